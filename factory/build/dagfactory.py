"""A checked DAG of a dag-factory document → an Airflow DAG, by dag-factory's builder. The one way in: `build`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from operator import and_, or_
from pathlib import Path
from traceback import walk_tb
from types import CodeType, MappingProxyType
from typing import Any

from airflow.sdk import DAG
from dagfactory.utils import import_string

from factory.build.errors import BuildError, PipelineBuildError, one_line
from factory.operators import turn_off_telemetry
from factory.operators.functions import call_each
from schemas.check import CheckedDagFactoryDag
from schemas.compose.env_values import EnvText
from schemas.dagfactory.keys import CALLBACKS, FILE_KEYS
from schemas.findings.paths import DataPath
from schemas.folder.project import lexically_absolute

_DOCUMENTATION = frozenset({"doc", "doc_json", "doc_md", "doc_rst", "doc_yaml"})
_COMBINED: Mapping[str, tuple[Callable[[Any, Any], Any], str]] = MappingProxyType(
    {"__and__": (and_, " & "), "__or__": (or_, " | ")}
)
_FILES = FILE_KEYS | {"template_searchpath"}


class Objects:
    """Makes the values of one DAG.

    `beside` is the folder of its file, `folder` the pipelines folder: a relative path of a file is looked for in
    both, where dag-factory takes absolute ones only.
    """

    def __init__(self, beside: Path, folder: Path) -> None:
        self._folders = (beside, folder)

    def made(self, value: Any, path: DataPath = ()) -> Any:
        """A new value of plain data and objects. Raises BuildError where an object cannot be made."""
        if isinstance(value, dict):
            return self._mapping(value, path)
        if isinstance(value, list):
            made = [self.made(item, (*path, index)) for index, item in enumerate(value)]
            return _one_of(made) if path and path[-1] in CALLBACKS else made
        if not isinstance(value, str):
            return value
        if isinstance(value, EnvText):
            # Airflow shows documentation to everybody.
            value = value.expression if path and path[-1] in _DOCUMENTATION else str(value)
        key = path[-1] if path and isinstance(path[-1], str) else path[-2] if len(path) > 1 else ""
        return self._absolute(value) if key in _FILES else value

    def _mapping(self, value: dict[str, Any], path: DataPath) -> Any:
        for key, (combine, sign) in _COMBINED.items():
            if key in value:
                return self._combined(self._items(value[key], (*path, key)), combine, sign, path)
        if "__join__" in value:
            return "".join(map(str, self._items(value["__join__"], (*path, "__join__"))))
        made = {key: self.made(v, (*path, key)) for key, v in value.items() if key not in ("__type__", "__args__")}
        if "__type__" not in value:
            return made
        if value["__type__"] == "builtins.list" and "items" in made:
            return made["items"]
        return self._object(
            str(value["__type__"]), self._items(value.get("__args__", []), (*path, "__args__")), made, path
        )

    def _items(self, value: Any, path: DataPath) -> list[Any]:
        made = self.made(value, path)
        return made if isinstance(made, list) else [made]

    def _combined(self, items: Iterable[Any], combine: Callable[[Any, Any], Any], sign: str, path: DataPath) -> Any:
        items = list(items)
        if all(isinstance(item, str) for item in items):
            return f"({sign.join(items)})"
        try:
            return reduce(combine, items)
        except TypeError as error:
            raise BuildError(path, f"these cannot be combined: {one_line(error)}") from error

    def _object(self, dotted: str, arguments: list[Any], keywords: dict[str, Any], path: DataPath) -> Any:
        try:
            return import_string(dotted)(*arguments, **keywords)
        except (Exception, SystemExit) as error:  # anybody's code
            message = f"`{dotted}` cannot be made: {type(error).__name__}: {one_line(error)}"
            raise BuildError((*path, "__type__"), message) from error

    def _absolute(self, written: str) -> str:
        if Path(written).is_absolute() or "{{" in written:
            return written
        places = [folder / written for folder in self._folders]
        return str(next((place for place in places if place.exists()), places[0]))


def _one_of(callbacks: list[Any]) -> dict[str, Any]:
    """One callback for several, which dag-factory takes from its next release on."""
    from dagfactory.dagbuilder import DagBuilder  # noqa: PLC0415 # after its telemetry is off

    made = [DagBuilder.set_callback({"callback": one}, "callback") for one in callbacks]
    return {"callback": f"{call_each.__module__}.{call_each.__name__}", "callbacks": made}


_TASK_ID = re.compile(r"task_id: ([\w.-]+)|task '([\w.-]+)'")


def build(checked: CheckedDagFactoryDag) -> DAG:
    """Build one DAG of a file.

    dag-factory imports the user's modules while it builds: their folder must be importable. It is given no text for
    `doc_md`: Airflow's Code tab shows the file as it is written.

    Raises PipelineBuildError with what dag-factory or Airflow refused, at its place where the message names one.
    """
    turn_off_telemetry()
    from dagfactory.dagbuilder import DagBuilder  # noqa: PLC0415 # after its telemetry is off

    folder = lexically_absolute(checked.folder)  # dag-factory takes absolute paths only
    beside = (folder / checked.file).parent
    writes_bytecode = sys.dont_write_bytecode
    # A `…_file` is loaded past `factory.operators.functions`; nothing is written into the folders of a bundle.
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
