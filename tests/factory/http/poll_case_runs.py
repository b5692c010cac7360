"""Runs of the cases of `cases/` by `dag.test()`, in one process; started by test_poll_cases.py.

Prints one JSON line for each run: the case, the number of the run, and what is not as the case says.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.models.xcom import XComModel
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from sqlalchemy import select

from factory.build.dag import build
from schemas.check import check_file

from .forked_runs import stored
from .poll_cases import CASES, Case, Ran

FOLDER = Path(os.environ["TEST_FOLDER"])
DAG_FILE = """
# airflow dag
from pathlib import Path
from factory.stub_loader import load_stub
load_stub(globals(), {path!r}, Path({folder!r}))
"""


@contextmanager
def said() -> Iterator[list[str]]:
    """What the process writes while the block runs, when it has ended."""
    text: list[str] = []
    sys.stdout.flush()
    kept = os.dup(1)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        try:
            yield text
        finally:
            sys.stdout.flush()
            os.dup2(kept, 1)
            os.close(kept)
            file.seek(0)
            text.append(file.read().decode(errors="replace"))


def xcoms(dag_id: str, run_id: str) -> dict[tuple[str, str], Any]:
    """By task and key."""
    columns = (XComModel.task_id, XComModel.key, XComModel.value)
    with create_session() as session:
        query = select(*columns).where(XComModel.dag_id == dag_id, XComModel.run_id == run_id)
        return {(task_id, key): value for task_id, key, value in session.execute(query)}


def run_case(case: Case) -> None:
    dags, pipelines = FOLDER / "home" / "dags", FOLDER / "pipelines"
    path = case.put_into(pipelines, FOLDER / "out")
    # `dag.test()` reads the whole folder each time.
    dag_file = dags / f"{path}.py"
    dag_file.write_text(DAG_FILE.format(path=path, folder=str(pipelines)))
    (pipeline,) = check_file(pipelines, path).pipelines
    dag = build(pipeline)
    for number, run in enumerate(case.runs):
        case.server.received.clear()
        with said() as log:
            ended = dag.test(logical_date=datetime(2026, 1, 2, tzinfo=UTC) + timedelta(days=number))
        (instance,) = (one for one in ended.get_task_instances() if one.task_id == "poll")
        found = xcoms(dag.dag_id, ended.run_id)
        headers = found.get(("poll", "http"), {}).get("headers")
        mark = stored(f"{dag.dag_id}/poll").get("watermark")
        ran = Ran(str(instance.state), found.get(("poll", "return_value")), log[0], headers, mark, str(found))
        print("RAN", json.dumps([case.name, number, case.wrong(run, ran)]), flush=True)
    dag_file.unlink()


def main() -> None:
    initdb()
    for folder in (FOLDER / "home" / "dags", FOLDER / "pipelines"):
        folder.mkdir(parents=True, exist_ok=True)
    sys.path.append(str(FOLDER / "pipelines"))
    for folder in CASES:
        if folder.name in sys.argv[1:]:
            with Case.served(folder) as case:
                run_case(case)


if __name__ == "__main__":
    main()
