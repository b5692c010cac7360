"""A DAG's effective document → what dag-factory's builder takes: objects made, paths absolute, plain text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from operator import and_, or_
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dagfactory.utils import import_string

from factory.build.errors import BuildError, one_line
from schemas.compose.env_values import EnvText
from schemas.dagfactory.keys import FILE_KEYS
from schemas.findings.paths import DataPath

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
            return [self.made(item, (*path, index)) for index, item in enumerate(value)]
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
