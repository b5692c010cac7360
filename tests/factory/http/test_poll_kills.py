"""Polls with pages and a watermark whose tasks are killed: what is loaded behind them is all that was served.

What is Airflow's in it, and what stands in for it: `forked_runs`.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.programs import module_program

from .shop_server import ShopServer

CHECKOUT = Path(__file__).resolve().parents[3]

PIPELINE = """
default_args: {{retries: 2, retry_delay: 0s}}
poll:
  url: ${{env.TEST_API}}/pages
  pagination: {{type: page_number}}
  incremental: {{cursor_path: id, start_param: since, initial_value: 0}}
  commit: {commit}
  {to}
tasks:
  - {{id: load, uses: warehouse.load, with: {{rows: "${{tasks.poll.output}}"}}}}
"""
COMMITS = {"kills": "consumers", "kills_at_poll": "poll", "kills_with_a_file": "consumers"}
TO = {"kills_with_a_file": "to: ${env.SHOP_FILES}/{{ run_id }}.jsonl"}

WAREHOUSE = """
import os, sqlite3, sys

def load(rows, ti):
    if isinstance(rows, str):
        from factory.data.row_files import read_rows
        rows = list(read_rows(rows))
    with sqlite3.connect(os.environ["SHOP_DATABASE"]) as database:
        for row in rows:
            values = (ti.dag_id, ti.run_id, row["id"])
            database.execute("INSERT INTO arrived VALUES (?, ?, ?)", values)
            database.execute("INSERT OR REPLACE INTO keyed VALUES (?, ?, ?)", values)
            sys.audit("shop.row")
"""

DAG_FILE = """
# airflow dag
from pathlib import Path
from factory.stub_loader import load_stub
load_stub(globals(), {path!r}, Path({folder!r}))
"""


@pytest.fixture
def server() -> Iterator[ShopServer]:
    server = ShopServer()
    yield server
    server.close()


@pytest.mark.parametrize(
    ("kills", "seed"), [pytest.param(4, 1, id="4"), pytest.param(200, 2, id="200", marks=pytest.mark.soak)]
)
def test_all_rows_arrive_whatever_is_killed(tmp_path: Path, server: ShopServer, kills: int, seed: int) -> None:
    pipelines, dags, shop = tmp_path / "pipelines", tmp_path / "home" / "dags", tmp_path / "shop.db"
    pipelines.mkdir()
    dags.mkdir(parents=True)
    (tmp_path / "files").mkdir()
    (pipelines / "warehouse.py").write_text(WAREHOUSE)
    for dag_id, commit in COMMITS.items():
        path = f"{dag_id}.yaml"
        (pipelines / path).write_text(PIPELINE.format(commit=commit, to=TO.get(dag_id, "")))
        (dags / f"{path}.py").write_text(DAG_FILE.format(path=path, folder=str(pipelines)))
    with sqlite3.connect(shop) as database:
        database.execute("CREATE TABLE arrived (dag, run, id)")
        database.execute("CREATE TABLE keyed (dag, run, id, PRIMARY KEY (dag, id))")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")} | {
        "AIRFLOW_HOME": str(tmp_path / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__API_AUTH__JWT_SECRET": "0" * 64,
        "TEST_API": server.url(""),
        "SHOP_DATABASE": str(shop),
        "SHOP_FILES": str(tmp_path / "files"),
    }
    command = [*module_program("tests.factory.http.poll_kill_runs"), str(kills), str(seed)]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    runs = [json.loads(line.removeprefix("RUN ")) for line in done.stdout.splitlines() if line.startswith("RUN ")]
    assert sum(run["kills"] for run in runs) >= kills
    served = list(range(1, server.rows + 1))
    disturbed = {run["run"] for run in runs if run["kills"]}
    # Looked at behind each process that ended, however it ended.
    assert sum(run["files"] for run in runs) >= max(kills // 6, 1)
    assert [run["wrong"] for run in runs if run["wrong"]] == []
    with sqlite3.connect(shop) as database:
        for dag in COMMITS:
            keyed = database.execute("SELECT id FROM keyed WHERE dag = ? ORDER BY id", [dag])
            assert [number for (number,) in keyed] == served
            arrivals: dict[int, list[str]] = {}
            for run, number in database.execute("SELECT run, id FROM arrived WHERE dag = ?", [dag]):
                arrivals.setdefault(number, []).append(run)
            assert sorted(arrivals) == served
            # A row that arrived twice was in the window of a run that was killed.
            twice = {number: found for number, found in arrivals.items() if len(found) > 1}
            assert {number: found for number, found in twice.items() if not disturbed & set(found)} == {}
    # Some runs had no try left; what they had asked for came by a later run.
    if kills > len(COMMITS) * 3:
        assert any(not run["succeeded"] for run in runs if run["dag"] != "kills_at_poll")
