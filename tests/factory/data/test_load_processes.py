"""Loads in processes of their own: of many rows, at once, and killed."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from factory.data.database import Database

from .warehouses import ORDERS, Warehouse, load

CHILD = """
import json, resource, sys
from tests.factory.data.warehouses import load
print(json.dumps(load(**json.loads(sys.argv[1]))), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def started(**arguments: Any) -> subprocess.Popen[str]:
    """A load in a process of its own, which prints its output and the most memory that it held, in MiB."""
    command = [sys.executable, "-c", CHILD, json.dumps(arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[dict[str, Any], int]:
    said, _ = process.communicate(timeout=900)
    assert process.returncode == 0, said[-3000:]
    output, _, memory = said.strip().splitlines()[-1].rpartition(" ")
    return json.loads(output), int(memory)


def many_rows(path: Path, number: int) -> str:
    with path.open("w") as file:
        for n in range(number):
            late = f', "note": "from {n}"' if n > number // 2 else ""
            file.write(f'{{"id": {n}, "customer": "c{n % 997}", "price": {n / 4}, "lines": [{n}]{late}}}\n')
    return str(path)


@pytest.mark.soak
def test_a_million_rows_need_no_more_memory_than_a_hundred_thousand(warehouse: Warehouse, tmp_path: Path) -> None:
    _, small = ended(started(file=many_rows(tmp_path / "few.jsonl", 100_000), table="few"))
    loaded, large = ended(started(file=many_rows(tmp_path / "many.jsonl", 1_000_000), run_id="r2"))
    assert loaded["rows_loaded"] == 1_000_000
    expected = [(1_000_000, 1_000_000, 999_999, 499_999)]
    assert warehouse.run("SELECT count(*), count(DISTINCT id), max(id), count(note) FROM orders") == expected
    print(warehouse.kind, f"100,000 rows: {small} MiB, 1,000,000 rows: {large} MiB")
    assert large < small * 1.5


@pytest.mark.soak
def test_loads_at_once_lose_nothing(warehouse: Warehouse, tmp_path: Path) -> None:
    """Three that make the table, and one more of which two tries run: of these one may fail, but both do not load."""
    file = many_rows(tmp_path / "rows.jsonl", 5_000)
    runs = [started(file=file, run_id=run) for run in ("r1", "r2", "r3", "r3")]
    said = [process.communicate(timeout=900)[0] for process in runs]
    failed = [process.returncode != 0 for process in runs]
    assert failed in ([False] * 4, [False] * 3 + [True], [False] * 2 + [True, False]), "\n".join(said)[-5000:]
    assert warehouse.run("SELECT count(*), count(DISTINCT id) FROM orders") == [(15_000, 5_000)]
    merge = {"write_disposition": "merge", "primary_key": "id", "table": "merged", "file": file}
    for process in [started(run_id=run, **merge) for run in ("r1", "r2")]:
        ended(process)
    assert warehouse.run("SELECT count(*), count(DISTINCT id) FROM merged") == [(5_000, 5_000)]
    assert warehouse.tables() == {"orders", "merged"}


@pytest.mark.soak
@pytest.mark.parametrize("disposition", ["merge", "replace"])
def test_loads_that_take_the_place_of_rows_take_turns(warehouse: Warehouse, tmp_path: Path, disposition: str) -> None:
    if warehouse.connected is None:
        pytest.skip("one process at a time writes to a file")
    arguments: dict[str, Any] = {"file": many_rows(tmp_path / "rows.jsonl", 500), "write_disposition": disposition}
    if disposition == "merge":
        arguments["primary_key"] = "id"
    # All columns are there: else who adds one waits, and they meet no more.
    load([{"id": -1, "customer": "an", "price": 0.5, "lines": [1], "note": "x"}], run_id="before")
    with warehouse.held("orders", 3):
        runs = [started(run_id=run, **arguments) for run in ("r1", "r2", "r3")]
    for process in runs:
        ended(process)
    count = 501 if disposition == "merge" else 500
    assert warehouse.run("SELECT count(*), count(DISTINCT id) FROM orders") == [(count, count)]


def load_killed_behind(statement: int, variable: str, arguments: dict[str, Any]) -> None:
    """A load, in a process of its own that kills itself when the database has run so many statements for it."""
    os.environ["AIRFLOW_CONN_WAREHOUSE"] = variable  # the server of forks has the first test's environment
    made, behind = Database.__init__, [0]

    def counting(self: Database, *words: Any) -> None:
        made(self, *words)
        run = self._sql.execute_query

        @contextmanager
        def execute(*words: Any, **more: Any) -> Iterator[Any]:
            with run(*words, **more) as cursor:
                behind[0] += 1
                if behind[0] == statement:
                    os.kill(os.getpid(), signal.SIGKILL)
                yield cursor

        self._sql.execute_query = execute

    Database.__init__ = counting  # type: ignore[method-assign] # this process has nothing else to do
    load(**arguments)


@pytest.mark.soak
@pytest.mark.parametrize("disposition", ["append", "replace", "merge"])
def test_a_load_that_is_killed_leaves_nothing_half_and_nothing_twice(
    warehouse: Warehouse, tmp_path: Path, disposition: str
) -> None:
    number = 60
    arguments: dict[str, Any] = {"file": many_rows(tmp_path / "rows.jsonl", number), "run_id": "killed"}
    arguments |= {"write_disposition": disposition, **({"primary_key": "id"} if disposition == "merge" else {})}
    load([{"id": -1, "customer": "an", "lines": None}, {"id": 1, "customer": "old"}], run_id="before")
    after = {"append": number + 2, "replace": number, "merge": number + 1}[disposition]
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__, "dlt.destinations", "dlt.pipeline", "pyarrow.parquet"])
    seen = []
    for statement in range(1, 200):
        process = processes.Process(target=load_killed_behind, args=(statement, warehouse.variable, arguments))
        process.start()
        process.join()
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL, statement
        ((rows,),) = warehouse.run("SELECT count(*) FROM orders")
        seen.append(rows)
        assert rows in (2, after), f"{rows} rows after a kill behind statement {statement}"
    assert set(seen) == {2, after}  # behind statements of both sides of the change
    assert seen == sorted(seen, key=lambda rows: rows != 2), seen  # once they have arrived, they stay
    assert warehouse.run("SELECT count(*), count(DISTINCT id) FROM orders") == [
        (after, after - (disposition == "append"))
    ]
    assert warehouse.tables() == {"orders"}


def load_killed_when_staged(folder: str, variable: str) -> None:
    os.environ["AIRFLOW_CONN_WAREHOUSE"] = variable
    tempfile.tempdir = folder
    Database.append = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
    load(ORDERS)


@pytest.mark.soak
def test_what_a_killed_load_leaves_holds_no_password_and_goes_with_the_next(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    process = multiprocessing.get_context("forkserver").Process(
        target=load_killed_when_staged, args=(str(tmp_path / "tmp"), warehouse.variable)
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    left = [path for path in (tmp_path / "tmp").rglob("*") if path.is_file()]
    assert left != []
    password = warehouse.variable.rpartition("@")[0].rpartition(":")[2].encode()
    assert [path for path in left if password and password in path.read_bytes()] == []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    load(ORDERS)
    assert list((tmp_path / "tmp").iterdir()) == []
    assert warehouse.rows("orders") == [(1, "an", 12.5), (2, "bo", 3.0)]


@pytest.mark.soak
def test_a_wrong_password_is_said_and_not_shown(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    if "://" not in warehouse.variable:
        pytest.skip("a file has no password")
    account, at, place = warehouse.variable.rpartition("@")
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", f"{account.rpartition(':')[0]}:s3cr%2Ft-word{at}{place}")
    with pytest.raises(AirflowException, match=r"(?i)password authentication failed|access denied") as raised:
        load(ORDERS)
    shown = "".join(traceback.format_exception(raised.value))
    assert "s3cr" not in shown
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", f"{warehouse.kind}://u:s3cr%2Ft-word@127.0.0.1:1/shop")
    with pytest.raises(AirflowException, match=r"(?i)refused|can't connect") as raised:
        load(ORDERS)
    assert "s3cr" not in "".join(traceback.format_exception(raised.value))
