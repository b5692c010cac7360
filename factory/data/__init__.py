"""Rows that travel between tasks as files, and the built-in data tasks.

The way in for files: `factory.data.row_files`.

`imported` is for the packages behind the data tasks, each an extra of this project, imported in the task that needs it.
"""

from __future__ import annotations

import importlib
from typing import Any

from pipeline_factory import requirement


def imported(module: str, *, task: str, extra: str) -> Any:
    """The module `module`, which the built-in `task` needs.

    Raises AirflowFailException, which names the extra, where its package is not installed: trying again cannot help.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        from airflow.sdk.exceptions import AirflowFailException  # noqa: PLC0415 # few tasks end so

        raise AirflowFailException(
            f"`{task}` needs the extra `{extra}`, which is not installed where this task runs: "
            f"pip install {requirement(extra)}"
        ) from None


def without_rows(task: Any) -> Exception:
    """What a data task raises that got neither rows nor a file: which task handed on nothing, where that is why."""
    from airflow.sdk.exceptions import AirflowFailException  # noqa: PLC0415 # few tasks end so

    written = _as_written(task)
    for key in ("rows", "file"):
        value = getattr(written, key, None) or getattr(written, "partial_kwargs", {}).get(key)
        for source in _sources(value):
            return AirflowFailException(f"`{key}` is null: the task `{source}` has returned nothing to take")
    return AirflowFailException("neither `rows` nor `file` is given")


def refuse_null_tables(task: Any) -> None:
    """Raise AirflowFailException where one of a task's `tables`, or of its list, is null: it names the task that has
    handed on nothing."""
    from airflow.sdk.exceptions import AirflowFailException  # noqa: PLC0415 # few tasks end so

    for name, value in (task.tables or {}).items():
        entries = value if isinstance(value, list) else [value]
        if None not in entries:
            continue
        number = entries.index(None)
        written = (getattr(_as_written(task), "tables", None) or {}).get(name)
        where = f"`tables.{name}`"
        if isinstance(value, list):
            where = f"entry {number + 1} of {where}"
            written = written[number] if isinstance(written, list) and len(written) == len(value) else None
        said = [f"the task `{source}` has returned nothing to take" for source in _sources(written)]
        raise AirflowFailException(": ".join([f"{where} is null", *said[:1]]))


def _as_written(task: Any) -> Any:
    """The task with its references; in the one that runs, the values are in their places."""
    return task.dag.task_dict.get(task.task_id) if task.has_dag() else None


def _sources(value: Any) -> list[str]:
    from airflow.sdk import XComArg  # noqa: PLC0415 # few tasks end so

    return [source.task_id for source, _ in XComArg.iter_xcom_references(value)]
