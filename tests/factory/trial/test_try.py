"""`factory try`: tasks end as in a real Airflow run, without a database, a server or anything left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from factory.local.home import Home, Settings
from tests.factory.cli.commands import connected, factory, looked_at

ETL = """
schedule: "@daily"
params: {times: 2}
environments: {prod: {params: {times: 3}}}
tasks:
  - {id: extract, uses: steps.extract}
  - {id: transform, uses: steps.times, with: {rows: "${tasks.extract.output}", times: "{{ params.times }}"}}
  - {id: load, uses: steps.load, with: {rows: "${tasks.transform.output}"}}
  - {id: other, uses: bash, with: {bash_command: "echo {{ conn.shop.host }} {{ ds }}"}}
"""
STEPS = """
def extract():
    return [{"id": 1}, {"id": 2}]

def times(rows, times):
    return [{"id": row["id"] * int(times)} for row in rows]

def load(rows):
    if any(row["id"] > 100 for row in rows):
        raise ValueError("too large")
    return len(rows)
"""


DATES = """
def dates():
    import datetime
    return [{"id": 1, "day": datetime.date(2026, 1, 2)}]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "etl.yaml").write_text(ETL.lstrip())
    (tmp_path / "pipelines" / "steps.py").write_text(STEPS)
    return tmp_path


def tried(folder: Path, *arguments: str, status: int = 0, **environment: str) -> dict[str, dict[str, Any]]:
    """Each task's record, by its name."""
    done = factory("try", *arguments, "--json", cwd=folder, environment=environment)
    assert done.returncode == status, done.stdout + done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {record["task"]: record for record in records}


def test_outputs_travel_and_nothing_is_left(project: Path) -> None:
    before = sorted(project.rglob("*"))

    found = tried(project, "etl", "--param", "times=3", "--conn", "shop=http://shop.example/", "--date", "2026-01-05")

    assert {name: record["state"] for name, record in found.items()} == dict.fromkeys(
        ("extract", "transform", "load", "other"), "success"
    )
    assert found["transform"]["output"] == [{"id": 3}, {"id": 6}]
    assert found["other"]["output"] == "shop.example 2026-01-05"
    assert sorted(path for path in project.rglob("*") if "__pycache__" not in path.parts) == before


def test_some_tasks_run_on_given_outputs(project: Path) -> None:
    (project / "rows.json").write_text('[{"id": 7}]')

    found = tried(project, "etl", "--task", "transform", "--given", "extract=rows.json", "--environment", "prod")

    assert {name: record["output"] for name, record in found.items()} == {"transform": [{"id": 21}]}


def test_an_environment_that_is_not_there_is_misspelt(project: Path) -> None:
    said = "no pipeline declares the environment `prd`; did you mean `prod`?"

    assert said in factory("try", "etl", "--environment", "prd", cwd=project).stderr
    done = factory("try", "pipelines/etl.yaml", cwd=project, environment={"PIPELINE_ENVIRONMENT": "prd"})
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_a_missing_connection_is_named_without_a_traceback(project: Path) -> None:
    done = factory("try", "etl", "--task", "other", cwd=project)

    assert done.returncode == 1
    assert "not found: connection `shop`: --conn shop=URI, or AIRFLOW_CONN_SHOP" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_what_tasks_print_has_no_secrets_and_is_not_among_the_records(project: Path) -> None:
    (project / "pipelines" / "steps.py").write_text(
        "import logging, os, sys\nfrom airflow.sdk import Connection\n"
        "def tell():\n    password = Connection.get('shop').password\n    print('printed', password)\n"
        "    print('error', password, file=sys.stderr)\n    logging.getLogger('own').warning('logged %s', password)\n"
        "    os.system('echo of a program')\n"
    )
    (project / "pipelines" / "tell.yaml").write_text("tasks: [{id: tell, uses: steps.tell}]\n")

    done = factory("try", "tell", "--json", "--conn", "shop=http://ada:hush-hush@host", cwd=project)

    assert [json.loads(line)["state"] for line in done.stdout.splitlines()] == ["success"]
    for said in ("printed ***\n", "error ***\n", "logged ***", "of a program\n"):
        assert said in done.stderr
    assert "hush" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--param", "tims=3"), "--param tims: the pipeline has no param `tims`; did you mean `times`?"),
        (
            ("--task", "other", "--conn", "shop=http://:hush/hush#c@host"),
            "connection `shop` is defined, but cannot be read: percent-encode its login and password",
        ),
    ],
)
def test_what_is_given_wrong_is_named(project: Path, arguments: tuple[str, ...], said: str) -> None:
    done = factory("try", "etl", *arguments, cwd=project)

    assert said in done.stderr
    assert "hush" not in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_a_param_without_a_value_is_asked_for(project: Path) -> None:
    (project / "pipelines" / "ask.yaml").write_text(
        "params: {day: {type: string}}\ntasks: [{id: say, uses: bash, with: {bash_command: 'echo {{ params.day }}'}}]\n"
    )

    done = factory("try", "ask", cwd=project)

    assert "--param day: the param `day`: No value passed and Param has no default value" in done.stderr
    assert "Traceback" not in done.stderr
    assert factory("try", "ask", "--param", "day=monday", cwd=project).returncode == 0


def test_a_task_runs_with_what_it_needs_and_is_not_given(project: Path) -> None:
    (project / "rows.json").write_text('[{"id": 7}]')
    (project / "pipelines" / "etl.yaml").write_text(ETL.replace("steps.extract}", "steps.dates}").lstrip())
    (project / "pipelines" / "steps.py").write_text(f"{STEPS}{DATES}")

    found = tried(project, "etl", "--task", "load", "--upstream")
    assert list(found) == ["extract", "transform", "load"]
    assert found["extract"]["output"] == [{"id": 1, "day": "2026-01-02"}]
    assert list(tried(project, "etl", "--task", "load", "--upstream", "--given", "transform=rows.json")) == ["load"]


def test_a_failure_is_shown_at_its_place(project: Path) -> None:
    arguments = ("--param", "times=99", "--conn", "shop=http://shop.example/", "--show", "1")
    done = factory("try", "etl", *arguments, cwd=project)

    assert done.returncode == 1
    assert "    id\n    1\n    (2 rows)\n" in done.stdout
    assert "✗ load  failed" in done.stdout
    said = "pipelines/etl.yaml:7\n    ValueError: too large\n    pipelines/steps.py:10: raise ValueError"
    assert said in done.stdout, done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_of_several_dags_one_is_to_be_named(project: Path) -> None:
    (project / "pipelines" / "mat.yaml").write_text(
        "dag_id: mat_${matrix.r}\nmatrix: {r: [eu, us]}\ntasks:\n  - {id: a, uses: empty}\n"
    )

    done = factory("try", "pipelines/mat.yaml", cwd=project)

    assert done.returncode == 2
    assert "pipelines/mat.yaml makes 2 DAGs, name one of them: mat_eu, mat_us" in done.stderr


def test_a_broken_pipeline_is_not_tried(project: Path) -> None:
    (project / "pipelines" / "etl.yaml").write_text("schedul: x\n")

    done = factory("try", "pipelines/etl.yaml", cwd=project)

    assert done.returncode == 1
    assert "did you mean `schedule`?" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("elt",), "there is no such file or DAG in pipelines (did you mean `etl`?)"),
        (("twice",), "several files have this DAG id, name one of them: pipelines/other.yaml, pipelines/twice.yaml"),
        (("etl", "--task", "lod"), "there is no task `lod` (did you mean `load`?)"),
        (("etl", "--task", "nope"), "there is no task `nope` (there are extract, "),
        (("etl", "--task", "transform"), "add --upstream, or --given extract=FILE (- for none)"),
        (("etl", "--given", "extract"), "--given takes TASK=FILE, not `extract`"),
        (("etl", "--given", "extract=none.json"), "none.json: "),
        (("etl", "--task", "load", "--given", "load=rows.json"), "nothing is to run: the output of each task is given"),
        (("pipelines",), "pipelines: name a pipeline"),
        (("pipelines/_templates/t.yaml",), "pipelines/_templates/t.yaml: name a pipeline that takes this template"),
        (("etl", "--date", "yesterday"), "--date takes a date in ISO 8601 form, 2026-01-31T06:00, not `yesterday`"),
    ],
)
def test_wrong_usage_is_said(project: Path, arguments: tuple[str, ...], said: str) -> None:
    (project / "rows.json").write_text("[]")
    for name in ("other", "twice"):
        (project / "pipelines" / f"{name}.yaml").write_text("dag_id: twice\ntasks: [{id: a, uses: empty}]\n")
    (project / "pipelines" / "_templates").mkdir()
    (project / "pipelines" / "_templates" / "t.yaml").write_text("tasks: [{id: a, uses: empty}]\n")
    done = factory("try", *arguments, cwd=project)

    assert done.returncode == 2
    assert said in done.stderr


def test_other_dags_are_not_started_and_only_this_machine_is_asked(project: Path) -> None:
    (project / "pipelines" / "starts.yaml").write_text(
        "tasks:\n"
        "  - {id: other, uses: trigger_dag, with: {trigger_dag_id: etl}}\n"
        "  - {id: waits, uses: wait_dag, needs: [other], retries: 3, with: {external_dag_id: etl}}\n"
    )
    done = factory("try", "starts", cwd=project, environment=looked_at(project))

    assert "✓ other  success" in done.stdout
    assert "✗ waits  failed" in done.stdout
    assert "this task needs a running Airflow (GetDRCount)" in done.stdout
    assert "not started, since a trial starts no other DAG: etl" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert connected(project) <= {"127.0.0.1", "::1"}


def test_a_poll_is_tried_on_a_real_server(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    (project / "pipelines" / "ask.yaml").write_text(
        "poll:\n  url: ${env.LOCAL_API_URL:-http://nowhere.invalid/}\n  request_retries: null\n"
    )

    home = Home(project / ".airflow")
    home.prepare()
    home.configure(Settings(project / "pipelines", home.path, 8080, port, Path("api.py")), "")

    (record,) = tried(project, "ask", status=1, **looked_at(project)).values()

    assert connected(project) == {"127.0.0.1"}

    assert record["place"] == "pipelines/ask.yaml:1"
    assert f"http://127.0.0.1:{port}/" in record["error"]
    assert "refused" in record["error"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_all_and_leaves_nothing(project: Path, number: signal.Signals) -> None:
    command = "echo $$ > {} && exec sleep 60"
    pids = project / "pid"
    (project / "pipelines" / "long.yaml").write_text(
        "tasks:\n"
        f"  - {{id: long, uses: bash, with: {{bash_command: '{command.format(pids)}'}}}}\n"
        "  - {id: after, uses: empty, needs: [long], trigger_rule: all_done}\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "factory.cli", "try", "long"],
        cwd=project,
        env={**os.environ, "TMPDIR": str(project)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 120
    while not (pids.exists() and pids.read_text()) and time.monotonic() < end:
        time.sleep(0.05)
    process.send_signal(number)
    printed, said = process.communicate(timeout=120)

    assert (process.returncode, "ended while `long` ran" in said) == (130, True)
    assert "after" not in printed
    assert not psutil.pid_exists(int(pids.read_text()))
    assert not list(project.glob("factory-try-*"))
