"""Files that a task names: scripts and SQL that Airflow reads as templates."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from schemas.codes import Code
from schemas.data_path import DataPath
from schemas.diagnostics import Diagnostic
from schemas.rules.expressions import stands_at
from schemas.subject import Subject
from schemas.suggestions import meant
from schemas.task_view import TaskView

_SHELL = (".sh", ".bash")
_SQL = (".sql", ".hql")
_LONGEST = 255


def check(subject: Subject, folder: Path) -> Iterator[Diagnostic]:
    """Names that end like a file's and are none, beside the pipeline or in the pipelines folder.

    Airflow takes a template field's text for a file's name where it ends with one of the operator's `template_ext`
    (`airflow.sdk.definitions._internal.abstractoperator`), a whole command that ends with `.sh` included.
    """
    if not subject.may_hold(*_SHELL, *_SQL):
        return
    places = ((folder / subject.path).parent, folder)
    for task in subject.tasks:
        for path, text in _names(task):
            if "{{" in text or "{%" in text or len(text) > _LONGEST or stands_at(subject, path):
                continue
            # Not pathlib's, which raises for a name that is too long.
            if not any(os.path.isfile(place / text) for place in places):  # noqa: PTH113
                yield _missing(subject, path, text, places)


def _names(task: TaskView) -> Iterator[tuple[DataPath, str]]:
    for key, value in task.arguments.items():
        endings = _SHELL if key == "bash_command" else _SQL if key in ("sql", "hql") or key.endswith("_sql") else ()
        items = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, item in items if endings else ():
            if isinstance(item, str) and item.endswith(endings):
                path = (*task.with_path, key)
                yield (path if index is None else (*path, index)), item


def _missing(subject: Subject, path: DataPath, text: str, places: tuple[Path, ...]) -> Diagnostic:
    if " " in text:
        return subject.finding(
            Code.MISSING_FILE,
            path,
            f"Airflow takes a command that ends with `{PurePosixPath(text).suffix}` for the name of a file",
            help="add a space at its end, within quotes, and it is a command",
        )
    beside = [file.relative_to(place).as_posix() for place in places for file in _siblings(place / text)]
    others = [name for name in beside if name != text]  # of that name there may be a folder, or a named pipe
    return subject.finding(
        Code.MISSING_FILE,
        path,
        f"there is no file `{text}` beside the pipeline or in the pipelines folder",
        caret=meant(text, others),
    )


def _siblings(missing: Path) -> list[Path]:
    """Files of the same kind in the folder where one is missing."""
    try:
        return sorted(missing.parent.glob(f"*{missing.suffix}"))
    except (OSError, ValueError):
        return []
