"""`factory` itself, and `factory list`."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

from factory.reporters.text import columns
from tests.factory.cli.commands import BAD, GOOD, factory


def test_without_a_command(tmp_path: Path) -> None:
    result = factory(cwd=tmp_path)
    assert result.returncode == 2
    assert "lint" in result.stdout


def test_unknown_command(tmp_path: Path) -> None:
    result = factory("lnt", cwd=tmp_path)
    assert result.returncode == 2
    assert "invalid choice: 'lnt'" in result.stderr


def test_output_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines/ünï.yaml").write_text(BAD)
    for command in ("list", "lint"):
        result = factory(command, cwd=tmp_path, environment={"PYTHONIOENCODING": "ascii"})
        assert "Traceback" not in result.stderr
        assert "pipelines/\\xfcn\\xef.yaml" in result.stdout


HEEDS_INTERRUPTS = """
import signal
import sys
from factory.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main())
"""
"""Also where these tests run in the background of a shell, which has what it starts there ignore them."""


def test_interrupted(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HEEDS_INTERRUPTS, "lint", "-"]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        process.stdin.write("x" * 2**17)  # comes back when the command has read the first of it
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert (process.returncode, said) == (130, "")


def test_list_says_what_is_dag_factorys(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "good.yaml").write_text(GOOD)
    task = "tasks: {a: {operator: airflow.providers.standard.operators.empty.EmptyOperator}}"
    (folder / "two.yml").write_text(f"one: {{schedule: '@daily', {task}}}\ntwo: {{schedule: ['s3://a'], {task}}}\n")
    result = factory("list", cwd=tmp_path)
    assert result.returncode == 0
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["DAG", "SCHEDULE", "FILE", "STATE", "LANGUAGE"],
        ["good", "@daily", "pipelines/good.yaml", "ok"],
        ["one", "@daily", "pipelines/two.yml", "ok", "dag-factory"],
        ["two", "assets", "pipelines/two.yml", "ok", "dag-factory"],
    ]


def test_list_keeps_its_columns_beside_wide_characters(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "売上.yaml").write_text(GOOD.replace("dag_id", "# dag_id"))
    (folder / "orders.yaml").write_text(GOOD)
    lines = factory("list", cwd=tmp_path).stdout.splitlines()
    assert len({columns(line.partition("@daily")[0]) for line in lines if "@daily" in line}) == 1
    assert len({columns(line.removesuffix("ok")) for line in lines if line.endswith("ok")}) == 1


def test_list_shows_sound_and_broken(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "good.yaml").write_text(GOOD)
    (folder / "bad.yaml").write_text(BAD)
    (folder / "junk.yaml").write_bytes(b"\xff\x00")
    (folder / "every.yaml").write_text("dag_id: often\nschedule: {every: 15m}\npoll: {url: http://127.0.0.1/}\n")
    result = factory("list", cwd=tmp_path)
    assert result.returncode == 1
    rows = [line.split("  ") for line in result.stdout.splitlines()]
    table = {cells[0]: [cell.strip() for cell in cells[1:] if cell] for cells in rows}
    assert table == {
        "DAG": ["SCHEDULE", "FILE", "STATE"],
        "bad": ["-", "pipelines/bad.yaml", "1 error"],
        "often": ["every 15m", "pipelines/every.yaml", "ok"],
        "good": ["@daily", "pipelines/good.yaml", "ok"],
        "junk": ["-", "pipelines/junk.yaml", "1 error"],
    }


def test_list_says_what_starts_runs_beside_a_clock(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    task = "tasks: [{id: a, uses: empty}]\n"
    (folder / "a.yaml").write_text("schedule: [orders]\n" + task)
    (folder / "b.yaml").write_text("schedule: {assets: {any: [orders, shops]}}\n" + task)
    (folder / "c.yaml").write_text("schedule: {assets: orders, cron: '@daily', timezone: Asia/Seoul}\n" + task)
    (folder / "d.yaml").write_text(
        "schedule: {timetable: airflow.sdk.EventsTimetable, with: {event_dates: []}}\n" + task
    )
    (folder / "e.yaml").write_text("poll: {url: 'http://127.0.0.1/', watch: {every: 1m}}\ntasks: []\n")
    (folder / "f.yaml").write_text("schedule: null\n" + task)

    lines = factory("list", cwd=tmp_path).stdout.splitlines()[1:]

    schedules = {cells[0]: cells[1] for cells in (re.split("  +", line) for line in lines)}
    assert schedules == {
        "a": "assets",
        "b": "assets",
        "c": "assets or @daily Asia/Seoul",
        "d": "EventsTimetable",
        "e": "watch",
        "f": "-",
    }


def test_list_counts_what_is_wrong_across_files(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    for file, name in (("one", "orders"), ("two", "sales")):
        asset = f"outlets: [{{name: {name}, uri: 's3://lake/orders'}}]"
        (folder / f"{file}.yaml").write_text(f"tasks: [{{id: a, uses: empty, {asset}}}]\n")

    listed, linted = factory("list", cwd=tmp_path), factory("lint", cwd=tmp_path)

    states = [line.split("  ")[-1] for line in listed.stdout.splitlines()[1:]]
    assert "PF208" in linted.stdout
    assert (linted.returncode, listed.returncode) == (1, 1)
    assert "1 error" in states


def test_list_shows_that_checking_the_folder_failed(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    folder.mkdir()
    (folder / "good.yaml").write_text("dag_id: good\ntasks: [{id: a, uses: empty, outlets: [orders]}]\n")
    command = [sys.executable, "-c", BREAKS_A_RULE_ACROSS_FILES, "list"]
    listed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert [line.split() for line in listed.stdout.splitlines()[1:]] == [
        ["-", "-", "pipelines", "1", "error"],
        ["good", "-", "pipelines/good.yaml", "ok"],
    ]
    assert listed.returncode == 1


BREAKS_A_RULE_ACROSS_FILES = """
import sys
from schemas.rules import assets
from factory.cli import main

assets.across = lambda subjects: 1 / 0
sys.exit(main())
"""
