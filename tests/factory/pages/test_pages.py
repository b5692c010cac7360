"""The page *Pipelines*: what is answered to whom, asked of Airflow's API server in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from factory.bundle import source
from factory.bundle.stubs import StubWriter
from factory.pages.database import STUB_SUFFIX, uses, yaml_of
from tests.factory.pages.pages_process import MANY


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("home")
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__AUTH_MANAGER": "tests.factory.pages.pages_process.FewDags",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__API_AUTH__JWT_SECRET": "only for this test, and long enough for its algorithm, which wants 64 bytes",
    }
    command = [sys.executable, "-m", "tests.factory.pages.pages_process"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_nobody_sees_anything_without_a_login(answers: dict[str, Any]) -> None:
    assert set(answers["nobody"].values()) == {401}
    assert set(answers["admin"].values()) == {200}
    assert answers["posted"] in (401, 405)


def test_there_is_no_other_route(answers: dict[str, Any]) -> None:
    assert set(answers["odd"].values()) <= {404}


def test_only_its_own_script_acts(answers: dict[str, Any]) -> None:
    policy = answers["headers"]["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert answers["headers"]["x-content-type-options"] == "nosniff"


def test_every_pipeline_is_listed_with_its_state(answers: dict[str, Any]) -> None:
    rows = {row["name"]: row for row in answers["all"]}
    assert sorted(rows) == ["broken.yaml", "half_mine", "half_theirs", "mine", "mine.yaml", "theirs"]
    assert answers["many"] == MANY + 6
    assert rows["theirs"]["state"] == "broken"
    assert rows["mine"]["state"] == "sound"
    assert rows["mine"]["file"] == "mine.yaml"
    assert [run["id"] for run in rows["mine"]["runs"]] == [f"r{number}" for number in range(9, -1, -1)]
    assert [finding["line"] for finding in rows["broken.yaml"]["findings"]] == [2, None]
    assert rows["broken.yaml"]["findings"][0]["text"].startswith("error[bad-cron] PF201")


def test_a_user_sees_what_they_may_read_and_no_more(answers: dict[str, Any]) -> None:
    assert [row["name"] for row in answers["readers"]] == ["broken.yaml", "half_mine", "mine", "mine.yaml"]
    assert "secret of theirs" not in json.dumps(answers["readers"])
    assert answers["half"]["findings"] == []  # its file holds a DAG of somebody else
    assert {row["name"]: row["state"] for row in answers["readers"]}["mine"] == "sound"  # another bundle's is broken
    assert "secret of" not in json.dumps(answers["blind"])
    assert answers["reader"] == {"mine": 200, "theirs": 403, "no-such": 403, "python": 403}
    assert answers["python"] == 404  # a DAG, but no pipeline
    assert answers["one"]["id"] == "mine"
    assert sum(answers["day"]["runs"].values()) == 12


def test_the_ui_shows_both_views(answers: dict[str, Any]) -> None:
    (ours,) = [one for one in answers["views"]["plugins"] if one["name"] == "pipeline_factory"]
    views = {one["destination"]: one["href"] for one in ours["external_views"]}
    assert views == {"nav": "/pipelines/", "dag": "/pipelines/?dag={DAG_ID}"}


def test_a_template_is_no_host() -> None:
    text = "a: \"https://{{ params['host'] }}/x\"\nb: https://user:pw@shop.example.com/\nc: http://[host]:8080/\n"
    assert uses(text)["hosts"] == ["shop.example.com"]


@pytest.mark.parametrize("text", ["a: 1\n", "a: '''\n", "a: '''\nb: \"\"\"\n", "k: é \\x\n"])
def test_the_text_is_read_back_from_a_stub(text: str) -> None:
    assert source.STUB_SUFFIX == STUB_SUFFIX
    stub = StubWriter("factory.stub_loader", "1").text("a.yaml", text.encode(), "0" * 64, ()).decode()
    assert yaml_of(stub).rstrip("\n") == text.rstrip("\n")
