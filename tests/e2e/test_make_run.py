"""What `make run` starts, used as a user would: polls, an edit, a broken file, a removed one.

The tests run in the order in which they stand.
"""

from __future__ import annotations

import shutil
import sqlite3
import time

import pytest
import requests

from tests.e2e.conftest import LOCAL_API_HOST, SOON_SECONDS, Scene
from tests.factory.http.shop_server import ShopServer

TWO_STEPS = """\
schedule: null
tasks:
  - id: first
    uses: bash
    with:
      bash_command: sleep 12; echo {text}
  - id: second
    uses: bash
    needs: [first]
    with:
      bash_command: echo "second says {text}"
"""


WATCHED = """\
poll:
  url: {url}
  change_detection: etag
  watch: {{every: 1s}}
tasks:
  - id: say
    uses: bash
    with: {{bash_command: "echo $ANSWER", env: {{ANSWER: "${{tasks.poll.output}}"}}}}
"""


def test_shows_where_the_ui_is_and_what_was_found(scene: Scene) -> None:
    assert scene.run.printed(scene.run.url)
    scene.soon(lambda: scene.run.printed("hello_etl") and scene.run.printed("local_api_poller"), "the pipelines")


def test_hello_etl_loads_rows_that_a_user_can_open(scene: Scene) -> None:
    scene.soon(lambda: scene.succeeded("hello_etl"), "hello_etl to succeed")
    with sqlite3.connect(scene.run.home / "warehouse" / "orders.db") as database:
        rows = database.execute("SELECT country, orders, amount FROM orders_by_country").fetchall()
    assert len(rows) > 1
    assert all(orders > 0 and amount > 0 for _, orders, amount in rows)
    run_id = str(scene.succeeded("hello_etl")[0]["dag_run_id"])
    assert f"loaded {len(rows)} rows" in scene.api.log("hello_etl", run_id, "load")
    tasks = scene.api.tasks("hello_etl", run_id)
    assert {task["operator"] for task in tasks.values()} == {"PythonOperator"}
    scene.soon(lambda: scene.run.printed("hello_etl", "load", "success"), "a line for the task")


def test_the_report_is_made_without_python_and_its_chart_is_a_click_away(scene: Scene) -> None:
    scene.run_once("orders_report")
    with sqlite3.connect(scene.run.home / "warehouse" / "warehouse.db") as database:
        ((rows, different),) = database.execute("SELECT count(*), count(DISTINCT id) FROM sample_orders").fetchall()
    assert rows == different >= 120
    for words in (
        ("load", "rows into sample_orders"),
        ("check", "0 of 5 rules broken"),
        ("chart", "/pipeline-charts/"),
    ):
        scene.soon(lambda words=words: scene.run.printed("orders_report", " success ", *words), f"{words}")
    line = scene.run.printed("orders_report", "/pipeline-charts/")[0]
    shown = scene.api.session.get(line.split()[-1], timeout=10)
    assert (shown.status_code, shown.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "What customers ordered, by country" in shown.text
    assert requests.get(line.split()[-1], timeout=10).status_code == requests.codes.unauthorized


def test_a_new_file_is_a_dag_that_runs(scene: Scene) -> None:
    begin = time.monotonic()
    scene.write("sales/daily.yaml", "tasks:\n  - {id: hello, uses: bash, with: {bash_command: echo hi}}\n")
    scene.soon(lambda: scene.api.dag("sales.daily"), "the new pipeline")
    print(f"visible after {time.monotonic() - begin:.1f} s")
    scene.run_once("sales.daily")


def test_an_edited_schedule_shows(scene: Scene) -> None:
    text = "schedule: '{}'\ntasks:\n  - {{id: a, uses: empty}}\n"
    scene.write("edited.yaml", text.format("0 3 * * *"))
    scene.soon(lambda: (scene.api.dag("edited") or {}).get("timetable_summary") == "0 3 * * *", "the first schedule")
    scene.write("edited.yaml", text.format("0 4 * * *"))
    scene.soon(lambda: (scene.api.dag("edited") or {}).get("timetable_summary") == "0 4 * * *", "the second schedule")


def test_edits_of_one_second_and_a_revert_are_seen(scene: Scene) -> None:
    """Same length, same times: only the content differs."""
    stamp = time.time() - 3600
    text = "description: {}\ntasks:\n  - {{id: a, uses: empty}}\n"
    for word in ("aaaa", "bbbb", "aaaa"):
        scene.write("reverted.yaml", text.format(word), times=stamp)
        scene.soon(
            lambda word=word: (scene.api.dag("reverted") or {}).get("description") == word, f"the description {word}"
        )


def test_an_edited_function_changes_the_next_run(scene: Scene) -> None:
    module = "import logging\ndef say():\n    logging.getLogger(__name__).info('this is version {}')\n"
    stamp = time.time() - 3600
    scene.write("speaker.py", module.format("1"), times=stamp)
    scene.write("speaking.yaml", "tasks:\n  - {id: say, uses: speaker.say}\n")
    scene.soon(lambda: scene.api.dag("speaking"), "the pipeline")
    first = scene.run_once("speaking")
    assert "this is version 1" in scene.api.log("speaking", first, "say")
    scene.write("speaker.py", module.format("2"), times=stamp)
    deadline = time.monotonic() + SOON_SECONDS
    while "this is version 2" not in scene.api.log("speaking", scene.run_once("speaking"), "say"):
        assert time.monotonic() < deadline, "still the old function"


def test_a_broken_file_is_one_import_error_and_touches_nothing_else(scene: Scene) -> None:
    scene.write("broken.yaml", "schedule: '0 25 * * *'\npol:\n  url: http://127.0.0.1:1/\n")
    scene.soon(scene.import_errors, "the import error")
    (text,) = scene.import_errors("broken.yaml.py")
    assert text.startswith("error[")
    assert "pipelines/broken.yaml:1:14" in text
    assert "pipelines/broken.yaml:2:1" in text
    assert "did you mean `poll`?" in text
    assert "Traceback" not in text
    scene.soon(lambda: scene.run.printed("broken.yaml:1:14"), "a line in the terminal")
    for dag_id in ("hello_etl", "local_api_poller", "edited"):
        assert scene.api.dag(dag_id) is not None, dag_id
    scene.run_once("local_api_poller")
    scene.write("broken.yaml", "schedule: '0 23 * * *'\ntasks:\n  - {id: a, uses: empty}\n")
    scene.soon(lambda: scene.api.dag("broken") and not scene.import_errors(), "the file to heal")


def test_two_polls_a_minute_apart(scene: Scene) -> None:
    polls_by_cron(scene, 2)


@pytest.mark.soak
def test_ten_polls_a_minute_apart(scene: Scene) -> None:
    polls_by_cron(scene, 10)


def polls_by_cron(scene: Scene, number: int) -> None:
    """Wait for so many scheduled polls of the sample pipeline, one a minute; each has the answer."""

    def scheduled() -> list[dict[str, object]]:
        return [r for r in scene.succeeded("local_api_poller") if r["run_type"] == "scheduled"]

    scene.run.wait_for(lambda: len(scheduled()) >= number, 60 * number + 90, f"{number} scheduled polls")
    runs = scheduled()[:number]
    minutes = [str(run["logical_date"])[:16] for run in runs]
    assert len(set(minutes)) == number, minutes
    for run in runs:
        log = scene.api.log("local_api_poller", str(run["dag_run_id"]), "poll")
        assert f"GET http://{LOCAL_API_HOST}:{scene.run.local_api_port}/ → 200" in log
        assert "bytes" in log
    assert scene.run.printed("local_api_poller", "poll", "success", "200")


@pytest.mark.soak
def test_a_watched_url_starts_a_run_when_its_answer_changes(scene: Scene) -> None:
    server = ShopServer()
    try:
        scene.write("watched.yaml", WATCHED.format(url=server.url("/document")))
        scene.soon(lambda: scene.succeeded("watched"), "the first run")
        asked = len(server.received)
        scene.soon(lambda: len(server.received) > asked + 3, "requests without a run")
        assert len(scene.succeeded("watched")) == 1
        server.version = 1
        begin = time.monotonic()
        scene.soon(lambda: len(scene.succeeded("watched")) == 2, "the run of the change")
        print(f"done {time.monotonic() - begin:.1f} s after the change")
        assert {run["run_type"] for run in scene.succeeded("watched")} == {"asset_triggered"}
        assert scene.api.tasks("watched", str(scene.succeeded("watched")[0]["dag_run_id"]))["say"]["state"] == "success"
    finally:
        (scene.pipelines / "watched.yaml").unlink()
        server.close()


def test_a_run_keeps_the_text_it_started_with(scene: Scene) -> None:
    scene.write("two_steps.yaml", TWO_STEPS.format(text="old"))
    scene.soon(lambda: scene.api.dag("two_steps"), "the pipeline")
    run_id = scene.api.trigger("two_steps")
    scene.soon(
        lambda: scene.api.tasks("two_steps", run_id).get("first", {}).get("state") == "running", "the first task"
    )
    scene.write("two_steps.yaml", TWO_STEPS.format(text="new"))
    scene.soon(
        lambda: scene.api.tasks("two_steps", run_id).get("second", {}).get("state") == "success", "the second task"
    )
    assert "second says old" in scene.api.log("two_steps", run_id, "second")
    deadline = time.monotonic() + SOON_SECONDS
    while "second says new" not in scene.api.log("two_steps", scene.run_once("two_steps"), "second"):
        assert time.monotonic() < deadline, "still the old text"


def test_a_copied_file_does_not_take_the_other_down(scene: Scene) -> None:
    scene.write("copy.yaml", "dag_id: edited\ntasks:\n  - {id: other, uses: empty}\n")
    scene.soon(scene.import_errors, "the import error")
    (text,) = scene.import_errors()
    assert "pipelines/edited.yaml" in text
    assert "pipelines/copy.yaml" in text
    assert scene.api.dag("edited") is not None
    scene.remove("copy.yaml")


def test_a_removed_file_retires_its_dag(scene: Scene) -> None:
    (scene.pipelines / "edited.yaml").unlink()
    shutil.rmtree(scene.pipelines / "sales")
    scene.soon(lambda: scene.api.dag("edited") is None and scene.api.dag("sales.daily") is None, "the DAGs to retire")
    assert scene.api.dag("hello_etl") is not None
