"""The process in which benchmarks/task_start.py measures: Airflow's own task runner up to the user's function.

    python task_start_process.py ANSWER version
    python task_start_process.py ANSWER forked|cold|pod VERSION DAG_FILE DAG_ID COUNT

Writes JSON to the file ANSWER: the bundle's version, the seconds of each start, or (`pod`) when the first line ran.
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

BUNDLE = "pipelines"


def main(answer: str, mode: str, *words: str) -> None:
    Path(answer).write_text(json.dumps(version() if mode == "version" else starts(mode, *words)))


def version() -> str:
    """Bring the bundle up to its folder, as the dag-processor does; "" for a bundle without versions."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager  # noqa: PLC0415 # as each mode needs

    bundle = DagBundlesManager().get_bundle(BUNDLE)  # type: ignore[no-untyped-call] # Airflow's has no annotations
    bundle.initialize()
    current = bundle.get_current_version()
    return str(getattr(current, "version", ""))


def starts(mode: str, pinned: str, dag_file: str, dag_id: str, count: str) -> list[float]:
    # What the executor's process has imported before it forks; a cold task process imports it first of all.
    sys.argv = ["airflow", "scheduler"] if mode == "forked" else ["airflow-task"]
    from airflow.sdk.execution_time import supervisor, task_runner  # noqa: F401, PLC0415 # as above

    if mode in ("cold", "pod"):
        took, first_line = start(pinned, dag_file, dag_id)
        return [took if mode == "cold" else first_line]
    from airflow.listeners.listener import get_listener_manager  # noqa: PLC0415 # as above

    get_listener_manager()  # loads the plugins, as the scheduler does before it starts its executor
    return [forked(pinned, dag_file, dag_id) for _ in range(int(count))]


def forked(*words: str) -> float:
    """Seconds of a start in a child process. Raises RuntimeError where it fails."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, str(start(*words)[0]).encode())
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise RuntimeError(f"a task process ended with status {status}")
    return float(text)


def start(pinned: str, dag_file: str, dag_id: str) -> tuple[float, float]:
    """Seconds from before `initialize()` to the first line of what the task `extract` calls, and that line's moment."""
    import structlog  # noqa: PLC0415 # as above
    from airflow.sdk.api.datamodels._generated import BundleInfo, TaskInstance, TIRunContext  # noqa: PLC0415 # as above
    from airflow.sdk.definitions._internal.dag_parsing_context import (  # noqa: PLC0415 # as above
        _airflow_parsing_context_manager,
    )
    from airflow.sdk.execution_time.comms import StartupDetails  # noqa: PLC0415 # as above
    from airflow.sdk.execution_time.task_runner import parse  # noqa: PLC0415 # as above

    os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "client"
    task = TaskInstance(
        id=uuid.uuid4(),
        task_id="extract",
        dag_id=dag_id,
        run_id="run",
        try_number=1,
        dag_version_id=uuid.uuid4(),
    )
    context: dict[str, Any] = {"max_tries": 0}  # all that `parse` reads of what the API server says of a task
    details = StartupDetails.model_construct(
        ti=task,
        dag_rel_path=dag_file,
        bundle_info=BundleInfo(name=BUNDLE, version=pinned or None),
        start_date=datetime.now(UTC),
        ti_context=TIRunContext.model_construct(**context),
        sentry_integration="",
    )
    began = time.monotonic()
    with _airflow_parsing_context_manager(dag_id=dag_id, task_id="extract"):
        operator: Any = parse(details, structlog.get_logger()).task
    first_line = float(operator.python_callable(**operator.op_kwargs))
    return first_line - began, first_line


if __name__ == "__main__":
    main(*sys.argv[1:])
