"""A checked DAG of a dag-factory document → an Airflow DAG, by dag-factory's builder. The one way in: `build`."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from traceback import walk_tb
from types import CodeType
from typing import Any

from airflow.sdk import DAG

from factory.build.errors import BuildError, PipelineBuildError, one_line
from factory.dagfactory.telemetry import turn_off
from schemas.check import CheckedDagFactoryDag
from schemas.findings.paths import DataPath
from schemas.folder.project import lexically_absolute

_TASK_ID = re.compile(r"task_id: ([\w.-]+)|task '([\w.-]+)'")


def build(checked: CheckedDagFactoryDag) -> DAG:
    """Build one DAG of a file.

    dag-factory imports the user's modules while it builds: their folder must be importable. It is given no text for
    `doc_md`: Airflow's Code tab shows the file as it is written.

    Raises PipelineBuildError with what dag-factory or Airflow refused, at its place where the message names one.
    """
    turn_off()
    from dagfactory.dagbuilder import DagBuilder  # noqa: PLC0415 # after its telemetry is off

    from factory.dagfactory.objects import Objects  # noqa: PLC0415 # as above

    folder = lexically_absolute(checked.folder)  # dag-factory takes absolute paths only
    beside = (folder / checked.file).parent
    writes_bytecode = sys.dont_write_bytecode
    # A `…_file` is loaded past `factory.runtime.user_modules`; nothing is written into the folders of a bundle.
    sys.dont_write_bytecode = True
    try:
        builder = DagBuilder(checked.dag_id, {}, {})
        # Not by its constructor, which copies all of it.
        builder.dag_config = Objects(beside, folder).made(checked.config)
        dag: DAG = builder.build()["dag"]
        # Airflow looks beside the Python file, which need not be where the document is.
        dag.template_searchpath = [*(dag.template_searchpath or ()), str(beside), str(folder)]
        dag.validate()  # type: ignore[no-untyped-call] # Airflow's has no annotations
    except BuildError as error:
        raise PipelineBuildError(checked.dag_id, [error]) from error
    except (Exception, SystemExit) as error:  # dag-factory, operators and the user's modules raise what they like
        makers = (DagBuilder.make_task.__code__, DagBuilder.make_decorator.__code__)
        refused = _refused(error, checked.config, _task_at_work(error, makers))
        raise PipelineBuildError(checked.dag_id, [refused]) from error
    finally:
        sys.dont_write_bytecode = writes_bytecode
    return dag


def _refused(error: BaseException, config: Mapping[str, Any], at_work: str | None) -> BuildError:
    text = one_line(error)
    place = _place(at_work or _named(text), config)
    return BuildError(place, f"dag-factory could not build it: {type(error).__name__}: {text}")


def _task_at_work(error: BaseException, makers: tuple[CodeType, ...]) -> str | None:
    """The task that was being made: dag-factory's and Airflow's messages seldom name it."""
    for frame, _ in walk_tb(error.__traceback__):
        if frame.f_code in makers:
            task_id: str | None = frame.f_locals["task_params"].get("task_id")
            return task_id
    return None


def _named(message: str) -> str | None:
    match = _TASK_ID.search(message)
    return (match[1] or match[2]).rpartition(".")[2] if match is not None else None


def _place(task_id: str | None, config: Mapping[str, Any]) -> DataPath:
    tasks = config.get("tasks")
    if isinstance(tasks, dict) and task_id in tasks:
        return ("tasks", str(task_id))
    for index, task in enumerate(tasks if isinstance(tasks, list) else ()):
        if isinstance(task, dict) and task.get("task_id") == task_id:
            return ("tasks", index)
    return ()
