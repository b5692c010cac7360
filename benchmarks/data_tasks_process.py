"""One way to load rows, or to query them, in a process of its own: prints its seconds of CPU and wall, and its memory.

Imports do not count: a task pays for them whatever it loads. Started by data_tasks.py.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

COLUMNS = ("id", "customer", "price", "at", "note")


def rows(path: str) -> Iterator[dict[str, Any]]:
    with Path(path).open() as file:
        yield from map(json.loads, file)


def load(path: str, table: str) -> None:
    from factory.operators.load import LoadOperator  # noqa: PLC0415

    operator = LoadOperator(task_id="load", conn_id="warehouse", table=table, file=path)
    operator.execute({"ti": SimpleNamespace(dag_id="d", run_id=table, task_id="load", map_index=-1)})  # type: ignore[typeddict-item]


def dlt_by_hand(path: str, table: str) -> None:
    import dlt  # noqa: PLC0415

    def batches() -> Any:
        found = []
        with Path(path).open() as file:
            for line in file:
                found.append(json.loads(line))
                if len(found) == 20_000:
                    yield found
                    found = []
        yield found

    pipeline = dlt.pipeline(
        table, destination=dlt.destinations.postgres(os.environ["DATABASE"]), dataset_name="public", progress=None
    )
    pipeline.run(dlt.resource(batches, name=table), write_disposition="append")


def insert_rows(path: str, table: str) -> None:
    hook = _hook()
    hook.run(_create(table))
    hook.insert_rows(table, ([row.get(name) for name in COLUMNS] for row in rows(path)), COLUMNS, commit_every=1000)


def copy_by_hand(path: str, table: str) -> None:
    import csv  # noqa: PLC0415
    import io  # noqa: PLC0415

    text = io.StringIO()
    csv.writer(text).writerows([row.get(name) for name in COLUMNS] for row in rows(path))
    text.seek(0)
    import psycopg2  # noqa: PLC0415

    connection = psycopg2.connect(os.environ["DATABASE"])
    with connection, connection.cursor() as cursor:
        cursor.execute(_create(table))
        cursor.copy_expert(f"COPY {table} FROM STDIN (FORMAT csv)", text)


def executemany(path: str, table: str) -> None:
    import psycopg2  # noqa: PLC0415

    connection = psycopg2.connect(os.environ["DATABASE"])
    with connection, connection.cursor() as cursor:
        cursor.execute(_create(table))
        insert = f"INSERT INTO {table} VALUES (%s, %s, %s, %s, %s)"  # noqa: S608 # names of our own
        cursor.executemany(insert, ([row.get(name) for name in COLUMNS] for row in rows(path)))


QUERY = "SELECT customer, count(*) AS n, sum(price) AS total FROM orders GROUP BY customer ORDER BY customer"


def duckdb_task(path: str, to: str) -> None:
    from factory.operators.sql import DuckdbOperator  # noqa: PLC0415

    DuckdbOperator(task_id="d", sql=QUERY, tables={"orders": path}, to=to, threads=2).execute({})


def duckdb_by_hand(path: str, to: str) -> None:
    import duckdb  # noqa: PLC0415

    with duckdb.connect(config={"threads": "2"}) as connection:
        # As the task does: from its sample alone, DuckDB would make whole numbers of fractions behind it.
        reader = {"jsonl": "read_json", "csv": "read_csv"}.get(path.rpartition(".")[2])
        source = f"{reader}('{path}', sample_size = -1)" if reader else f"'{path}'"
        connection.execute(f"CREATE VIEW orders AS FROM {source}")
        connection.execute(f"COPY ({QUERY}) TO '{to}' (FORMAT parquet)")


def _hook() -> Any:
    from airflow.sdk import BaseHook  # noqa: PLC0415

    return BaseHook.get_connection("warehouse").get_hook()


def _create(table: str) -> str:
    return f"CREATE TABLE {table} (id bigint, customer text, price double precision, at timestamptz, note text)"


WAYS: dict[str, Callable[[str, str], None]] = {
    one.__name__: one
    for one in (load, dlt_by_hand, insert_rows, copy_by_hand, executemany, duckdb_task, duckdb_by_hand)
}


def main() -> None:
    way, path, target = sys.argv[1:]
    import airflow.providers.postgres.hooks.postgres  # noqa: F401, PLC0415
    import dlt.destinations  # noqa: F401, PLC0415
    import duckdb  # noqa: F401, PLC0415
    import pandas  # noqa: F401, PLC0415 # PyArrow imports it where it is installed, which the extra `load` does not do
    import pyarrow.parquet  # noqa: F401, PLC0415

    import factory.data.load  # noqa: PLC0415
    import factory.operators.load  # noqa: PLC0415
    import factory.operators.sql  # noqa: F401, PLC0415

    wall, cpu = time.perf_counter(), time.process_time()
    WAYS[way](path, target)
    spent = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print("SPENT", json.dumps({**spent, "memory": memory}), flush=True)


if __name__ == "__main__":
    main()
