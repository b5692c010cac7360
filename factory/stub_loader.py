"""What a stub calls: one checked pipeline's DAGs in the stub's namespace, or the diagnostics as its error."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

from airflow.sdk import get_parsing_context

from factory.loading.pipelines import PipelineError, build_checked, errors_dag
from factory.operators.timetables import start_after
from schemas.check import CheckedDagFactoryDag, Checker, CheckOptions
from schemas.findings.diagnostics import has_errors
from schemas.folder.discovery import default_dag_id

NOTHING: Mapping[str, str] = MappingProxyType({})


def load_stub(
    namespace: dict[str, object],
    path: str,
    folder: Path,
    conflicts: tuple[tuple[str, str], ...] = (),
    environment: str = "",
    since: Mapping[str, str] = NOTHING,
    paused: Collection[str] = (),
) -> None:
    """Put the pipeline at `path` below `folder` into a DAG file's `globals()`.

    `conflicts` are (DAG id, path of the other file) pairs that the bundle found. `environment` is the one that was
    chosen when the stub was written (empty: none), so that a version means the same in every process. Raises
    PipelineError, whose text is the rendered diagnostics; Airflow shows it as the import error of this pipeline alone.

    `since`: DAG id → the ISO moment when its schedule first appeared. `paused`: ids that were deleted in Airflow, so
    that they come back paused.

    A task start parses a version that was checked when it was new: it builds the one DAG it runs, and does without
    reading sources again.
    """
    wanted = get_parsing_context().dag_id
    options = CheckOptions(
        environment=environment, require_environment=True, read_sources=wanted is None, only_errors=True
    )
    checker = Checker(folder, options)
    checked = checker.file(path, wanted)
    loaded = build_checked(checker, checked)
    findings = (*loaded.diagnostics, *(checker.duplicate(path, dag_id, [other]) for dag_id, other in conflicts))
    if has_errors(findings):
        # A DAG of a dag-factory document keeps no other one from being built, as in dag-factory's later releases.
        are_apart = any(
            isinstance(one, CheckedDagFactoryDag) and one.dag_id in loaded.dags for one in checked.pipelines
        )
        if wanted is not None or conflicts or not are_apart:
            show_only_the_message()
            raise PipelineError(findings)
        broken = [found for found in findings if has_errors((found,))]
        namespace["dag_of_errors"] = errors_dag(broken, dag_id=f"{default_dag_id(path)}_with_errors")
    for number, dag in enumerate(loaded.dags.values(), start=1):
        namespace[f"dag_{number}"] = dag
        # Part of what Airflow hashes: an edited Python or SQL file is a new version of the DAG, and the Code tab of
        # runs before the edit keeps its text (`SerializedDagModel.write_dag`).
        dag.default_args = {**dag.default_args, "pipeline_digest": namespace.get("DIGEST", "")}
        if dag.dag_id in since:
            start_after(dag.timetable, datetime.fromisoformat(since[dag.dag_id]))
        if dag.dag_id in paused:
            dag.is_paused_upon_creation = True


def show_only_the_message() -> None:
    """Have Airflow show the error that is about to be raised without its traceback, which says nothing to a user.

    Airflow has one setting for all files. It reads it when a file failed, and the dag-processor reads each file in a
    process of its own (`PythonDagImporter`), so there the setting is changed for this file alone. In a command that
    reads many files, the traceback stays.
    """
    runner = sys.modules.get("airflow.sdk.execution_time.task_runner")
    if getattr(runner, "SUPERVISOR_COMMS", None) is not None:
        os.environ["AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACKS"] = "False"


def refuse(message: str) -> NoReturn:
    """What a stub calls that stands for a file which cannot be read. Raises ImportError."""
    show_only_the_message()
    raise ImportError(message)
