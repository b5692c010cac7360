"""The page *Pipelines*: what is answered to whom, asked of Airflow's API server in a process of its own."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
from typing import Any

import pytest

from factory.bundle import source
from factory.bundle.stubs import StubWriter
from factory.pages.application import external_views
from factory.pages.results import STUB_SUFFIX, said_of, uses, yaml_of
from tests.factory.pages.asked import FOREIGN, MANY, NO_FILES, ODD, OF_A_DAG, OWN, POSING, ROUTES, SCRIPT, upwards
from tests.programs import module_program


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("home")
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__AUTH_MANAGER": "tests.factory.pages.pages_process.FewDags",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "SHOP_NAME": "a value of the environment",
        "AIRFLOW__API__BASE_URL": "http://testserver/airflow",
        "AIRFLOW__API_AUTH__JWT_SECRET": "only for this test, and long enough for its algorithm, which wants 64 bytes",
    }
    command = module_program("tests.factory.pages.pages_process")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_every_route_asks_who_one_is(answers: dict[str, Any]) -> None:
    assert answers["nobody"] == {"401": len(ROUTES)}
    assert answers["stranger"] == {"403": len(OF_A_DAG)}
    assert answers["admin"] == {"200": len(ROUTES)}
    assert answers["posted"] == 405


def test_pages_of_other_sites_are_answered_nothing(answers: dict[str, Any]) -> None:
    assert answers["foreign"] == {"403": len(ROUTES) * len(FOREIGN)}
    assert answers["own"] == {"200": len(ROUTES) * len(OWN)}


def test_there_is_no_other_route(answers: dict[str, Any]) -> None:
    assert set(answers["odd"].values()) <= {404}
    assert set(answers["slashed"]) <= {"401", "404"}  # nobody is sent to a route before it asks who they are
    for user, found in answers["upwards"].items():
        assert sum(found.values()) == len(upwards())
        assert set(found) <= {"404", "403" if user else "401"}, user


def test_an_output_names_no_other_file_than_its_task_s_to(answers: dict[str, Any]) -> None:
    assert answers["no_chart"] == {"404": 2 * len(POSING)}
    assert answers["no_file"] == {"404": len(NO_FILES)}  # no link is followed, and nobody waits for a pipe


def test_everything_is_below_the_base_path(answers: dict[str, Any]) -> None:
    assert answers["without_base"] == 404
    for base in ("", "/", "/airflow", "/airflow/"):
        assert {view["href"][: len(base.rstrip("/")) + 11] for view in external_views(base)} == {
            f"{base.rstrip('/')}/pipelines/"
        }


def test_only_its_own_script_acts(answers: dict[str, Any]) -> None:
    policy = answers["headers"]["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert answers["headers"]["x-content-type-options"] == "nosniff"


def test_a_frame_cannot_act_as_the_user(answers: dict[str, Any]) -> None:
    for kind, is_written in (("chart", True), ("model", False)):
        text, headers = answers[kind]
        assert headers["content-security-policy"] == "sandbox allow-scripts allow-downloads"
        assert headers["x-content-type-options"] == "nosniff"
        assert (SCRIPT in text) is is_written
    assert html.escape(SCRIPT) in answers["model"][0]


def test_a_pipeline_shows_warnings_values_in_force_and_next_runs(answers: dict[str, Any]) -> None:
    mine = answers["whole"]
    assert mine["state"] == "warnings"
    assert [(finding["line"], finding["text"].split(":")[0]) for finding in mine["findings"]] == [
        (2, "warning[step-without-effect] PF213")
    ]
    assert "retries: 3 " in mine["in_force"]
    assert re.search(r"timezone: Europe/Berlin +# pipelines/_defaults.yaml:3", mine["in_force"])
    assert "${env.SHOP_NAME}" in mine["in_force"]
    assert "of the environment" not in json.dumps(answers)
    assert len(mine["next_runs"]) == 5
    assert mine["next_runs"] == sorted(set(mine["next_runs"]))
    assert mine["next_runs"][0] == mine["next"]
    offered = [one["task"] for kind in ("charts", "models") for one in mine[kind]]
    assert sorted(task for task in offered if not task.startswith("posing") and task not in NO_FILES) == [
        "chart",
        "pdf",
        "train",
    ]


def test_a_pdf_which_no_frame_shows_is_to_be_saved(answers: dict[str, Any]) -> None:
    text, headers = answers["pdf"]
    assert (text, headers["content-type"]) == ("%PDF", "application/pdf")
    assert headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%A9.pdf"
    assert "content-disposition" not in answers["chart"][1]
    assert {one["task"]: one["file"] for one in answers["whole"]["charts"]}["pdf"] == "é.pdf"


def test_what_nobody_expects_in_an_output_or_a_model_breaks_no_page(answers: dict[str, Any]) -> None:
    assert answers["odd_polls"] == [[[None, 200]]] * len(ODD)
    assert answers["odd_models"] == [404] * 4


def test_polls_show_what_they_brought_and_where_they_go_on_and_no_token(answers: dict[str, Any]) -> None:
    (poll,) = answers["whole"]["polls"]
    assert (poll["task"], poll["rows"], poll["bytes"], poll["watermark"]) == ("poll", 3, 90, "2026-01-02")
    assert answers["whole"]["watermarks"] == ["2026-01-01 (mine/poll)"]
    assert "a token of the server" not in json.dumps(answers)


def test_every_pipeline_is_listed_with_its_state(answers: dict[str, Any]) -> None:
    rows = {row["name"]: row for row in answers["all"]}
    assert sorted(rows) == ["broken.yaml", "half_mine", "half_theirs", "mine", "mine.yaml", "theirs"]
    assert answers["many"] == MANY + 6
    assert rows["theirs"]["state"] == "broken"
    assert rows["mine"]["state"] == "warnings"
    assert rows["mine"]["file"] == "mine.yaml"
    assert [run["id"] for run in rows["mine"]["runs"]] == [f"r{number}" for number in range(9, -1, -1)]
    assert [finding["line"] for finding in rows["broken.yaml"]["findings"]] == [2, None]
    assert rows["broken.yaml"]["findings"][0]["text"].startswith("error[bad-cron] PF201")


def test_a_user_sees_what_they_may_read_and_no_more(answers: dict[str, Any]) -> None:
    assert [row["name"] for row in answers["readers"]] == ["broken.yaml", "half_mine", "mine", "mine.yaml"]
    assert "secret of theirs" not in json.dumps(answers["readers"])
    assert answers["half"]["findings"] == []  # its file holds a DAG of somebody else
    assert {row["name"]: row["state"] for row in answers["readers"]}["mine"] == "warnings"  # another bundle's is broken
    assert "secret of" not in json.dumps(answers["blind"])
    assert answers["reader"] == {"mine": 200, "theirs": 403, "no-such": 403, "python": 403}
    assert answers["python"] == 404  # a DAG, but no pipeline
    assert answers["one"]["id"] == "mine"
    assert sum(answers["day"]["runs"].values()) == 12
    assert not any(answers["day"]["late"].values())


def test_the_ui_shows_both_views(answers: dict[str, Any]) -> None:
    (ours,) = [one for one in answers["views"]["plugins"] if one["name"] == "pipeline_factory"]
    views = {one["destination"]: one["href"] for one in ours["external_views"]}
    assert views == {"nav": "/airflow/pipelines/", "dag": "/airflow/pipelines/?dag={DAG_ID}"}


def test_a_template_is_no_host() -> None:
    text = "a: \"https://{{ params['host'] }}/x\"\nb: https://user:pw@shop.example.com/\nc: http://[host]:8080/\n"
    assert uses(text)["hosts"] == ["shop.example.com"]


@pytest.mark.parametrize("text", ["a: 1\n", "a: '''\n", "a: '''\nb: \"\"\"\n", "k: é \\x\n"])
def test_the_text_is_read_back_from_a_stub(text: str) -> None:
    assert source.STUB_SUFFIX == STUB_SUFFIX
    stub = StubWriter("factory.stub_loader", "1").text("a.yaml", text.encode(), "0" * 64, ()).decode()
    assert yaml_of(stub).rstrip("\n") == text.rstrip("\n")


def test_only_what_the_bundle_wrote_below_a_text_is_taken_for_findings() -> None:
    text = "#! warning[x] PF1: y\n#= # a\na: 1\n"
    stub = StubWriter("factory.stub_loader", "1").text(
        "a.yaml", text.encode(), "0" * 64, (), "#! z\n#= # a\n#= x: 1\n#= ---\n#= # a2, environment e\n#= x: 2"
    )
    assert said_of(stub.decode(), "a") == ("z", "# a\nx: 1")
    assert said_of(stub.decode(), "a2") == ("z", "# a2, environment e\nx: 2")
    assert said_of(stub.decode(), "b") == ("z", "")
