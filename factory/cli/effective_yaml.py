"""An effective document as YAML, each value with the file and line it came from in a comment behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.compose.effective import Effective
from schemas.findings.paths import DataPath
from schemas.text.scalars import block_mark, scalar

SPENT = frozenset({"vars", "matrix"})
"""Keys whose values stand where they are used."""
_WIDEST = 72
"""Columns: behind longer lines their comments are not aligned."""

_Line = tuple[str, DataPath | None]
"""A line, and the path of the value that it shows."""


def render(effective: Effective) -> str:
    """The document's lines; empty for an empty document."""
    data = {key: value for key, value in effective.data.items() if key not in SPENT}
    lines = list(_mapping(data, (), ""))
    column = min(_WIDEST, max((len(text) for text, path in lines if path is not None), default=0)) + 2
    return "".join(f"{_commented(effective, text, path, column)}\n" for text, path in lines)


def _commented(effective: Effective, text: str, path: DataPath | None, column: int) -> str:
    if path is None:
        return text
    document, place = effective.origin(path)
    return f"{text:<{column}}# {document.file}:{document.value_span(place).line}"


def _mapping(value: Mapping[str, Any], path: DataPath, indent: str, first: str | None = None) -> Iterator[_Line]:
    """`first` is what the first line begins with in place of the indentation."""
    for key, child in value.items():
        start = indent if first is None else first
        first = None
        yield from _entry(f"{start}{scalar(key)}:", child, (*path, key), f"{indent}  ")


def _entry(start: str, value: Any, path: DataPath, indent: str) -> Iterator[_Line]:
    if isinstance(value, dict) and value:
        yield start, None
        yield from _mapping(value, path, indent)
    elif isinstance(value, list) and value:
        yield start, None
        for index, item in enumerate(value):
            yield from _item(item, (*path, index), indent)
    elif isinstance(value, str) and (block := block_mark(value)) is not None:
        yield f"{start} {block}", path
        yield from ((f"{indent}{line}" if line else "", None) for line in value.removesuffix("\n").split("\n"))
    else:
        yield f"{start} {scalar(value)}", path


def _item(value: Any, path: DataPath, indent: str) -> Iterator[_Line]:
    if isinstance(value, dict) and value:
        yield from _mapping(value, path, f"{indent}  ", f"{indent}- ")
    else:
        yield from _entry(f"{indent}-", value, path, f"{indent}  ")
