"""An effective document as YAML, each value with the file and line it came from in a comment behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from schemas.compose import Effective
from schemas.data_path import DataPath
from schemas.scalars import NumberTooLongError, plain_scalar

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
    elif isinstance(value, str) and (block := _block(value)) is not None:
        yield f"{start} {block}", path
        yield from ((f"{indent}{line}" if line else "", None) for line in value.removesuffix("\n").split("\n"))
    else:
        yield f"{start} {scalar(value)}", path


def _item(value: Any, path: DataPath, indent: str) -> Iterator[_Line]:
    if isinstance(value, dict) and value:
        yield from _mapping(value, path, f"{indent}  ", f"{indent}- ")
    else:
        yield from _entry(f"{indent}-", value, path, f"{indent}  ")


def _block(text: str) -> str | None:
    """The mark of a text of several lines that can stand below it as it is."""
    lines = text.removesuffix("\n").split("\n")
    plain = all(line.isprintable() and line == line.rstrip() for line in lines)
    if len(lines) < 2 or not plain or not lines[-1] or not lines[0] or lines[0].startswith(" "):
        return None
    return "|" if text.endswith("\n") else "|-"


def scalar(value: Any) -> str:
    """A single value on one line, in quotes where YAML 1.2 or 1.1 would take the text for something else."""
    style = None
    while True:
        written: str = yaml.safe_dump(
            value, default_style=style, default_flow_style=True, allow_unicode=True, width=2**31 - 1
        )
        written = written.removesuffix("\n").removesuffix("\n...")
        if style is not None or not isinstance(value, str) or written != value or _is_text(written):
            break
        style = '"'
    return written if "\n" not in written else yaml.safe_dump(value, default_style='"', width=2**31 - 1).strip()


def _is_text(written: str) -> bool:
    try:
        return isinstance(plain_scalar(written), str)
    except NumberTooLongError:
        return False
