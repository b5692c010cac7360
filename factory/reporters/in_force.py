"""The values in force and where each comes from: what `factory show` prints, and what a stub shows of its pipeline."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from factory.reporters import full
from schemas.check import Checker, CheckOptions
from schemas.compose.effective import Effective
from schemas.compose.variants import Variant
from schemas.findings.codes import Code
from schemas.findings.paths import OUTWARD, DataPath, without_marks
from schemas.shape.places import value_at
from schemas.text.nodes import block_mark, scalar

_REFERENCE = re.compile(rf"\$\{{tasks\.({re.escape(OUTWARD)}*)([\w.-]+?)\.(?:output|xcom)\b")
SPENT = frozenset({"vars", "matrix"})
"""Keys whose values are shown where they are used."""
_WIDEST = 72
"""Columns: behind longer lines their comments are not aligned."""

FINDING, VALUE = "#! ", "#= "
"""What lines of a stub begin with that hold lint's warnings and notes, and the values in force."""
_MOST = 64 * 1024
"""Characters that a stub shows of them: each DAG of a matrix has the whole stub in Airflow's database."""

Line = tuple[str, DataPath | None]
"""A line, and the path of the value that it shows."""


def render(effective: Effective) -> str:
    """The document's lines; empty for an empty document."""
    data = {key: value for key, value in effective.data.items() if key not in SPENT}
    return commented(effective, list(_mapping(data, (), "")))


def lines_at(effective: Effective, path: DataPath) -> list[Line]:
    """The lines of the value at a path; none where there is no value."""
    value = value_at(effective.data, path)
    if value is None:
        return []
    return list(
        _item(value, path, "") if isinstance(path[-1], int) else _entry(f"{scalar(path[-1])}:", value, path, "  ")
    )


def commented(effective: Effective, lines: Sequence[Line]) -> str:
    """Lines of a document, each with the place that its value comes from."""
    column = min(_WIDEST, max((len(text) for text, path in lines if path is not None), default=0)) + 2
    return "".join(f"{_commented(effective, text, path, column)}\n" for text, path in lines)


def _commented(effective: Effective, text: str, path: DataPath | None, column: int) -> str:
    if path is None:
        return text
    document, place = effective.origin(path)
    return f"{text:<{column - 2}}  # {document.file}:{document.value_span(place).line}{_outside(effective, path)}"


def _outside(effective: Effective, path: DataPath) -> str:
    """Which references lead out of the template that they now are in; their number where others have the same name."""
    written = value_at(effective.data, path)
    found = _REFERENCE.findall(written) if isinstance(written, str) and OUTWARD in written else []
    inside = {name for marks, name in found if not marks}
    said = (
        f"`{name}`" + (f" (reference {number})" if name in inside else "")
        for number, (marks, name) in enumerate(found, start=1)
        if marks
    )
    outside = ", ".join(dict.fromkeys(said))
    return f", {outside} outside of the template" if outside else ""


def _mapping(value: Mapping[str, Any], path: DataPath, indent: str, first: str | None = None) -> Iterator[Line]:
    """`first` is what the first line begins with in place of the indentation."""
    for key, child in value.items():
        start = indent if first is None else first
        first = None
        yield from _entry(f"{start}{scalar(key)}:", child, (*path, key), f"{indent}  ")


def _entry(start: str, value: Any, path: DataPath, indent: str) -> Iterator[Line]:
    value = without_marks(value) if isinstance(value, str) else value
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


def _item(value: Any, path: DataPath, indent: str) -> Iterator[Line]:
    if isinstance(value, dict) and value:
        yield from _mapping(value, path, f"{indent}  ", f"{indent}- ")
    else:
        yield from _entry(f"{indent}-", value, path, f"{indent}  ")


def document(variant: Variant) -> str:
    """One DAG's document, below a line with its id."""
    chosen = f", environment {variant.environment}" if variant.environment is not None else ""
    return f"# {variant.dag_id}{chosen}\n{render(variant.effective)}".rstrip("\n")


def beside_text(folder: Path, environment: str, *, read_sources: bool = True) -> Callable[[str], str]:
    """Gives for each pipeline what its stub shows below its text, where the page *Pipelines* reads it.

    Environment variables stay expressions: none of their values is shown, and none is missing. Of a pipeline with
    errors there is nothing: its import error tells them.
    """
    checker = Checker(folder, CheckOptions(environ={}, environment=environment, read_sources=read_sources))

    def of(path: str) -> str:
        result = checker.file(path)
        if result.has_errors:
            return ""
        told = [finding for finding in result.diagnostics if finding.code is not Code.UNSET_VARIABLE]
        found = [FINDING + line for line in full.render(told).splitlines()]
        documents = "\n---\n".join(document(variant) for variant in checker.variants(path))
        values = [VALUE + line for line in documents.splitlines()] if len(documents) <= _MOST else []
        return "\n".join([*found, *values])

    return of
