"""Vega-Lite specs of `chart`, held against Vega-Lite's own JSON Schema where altair, which ships it, is installed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.suggestions import did_you_mean, meant
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView

_MOST_ALLOWED = 20
"""Values that a finding lists."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Findings in the spec of every chart that is written in the file."""
    for task in subject.tasks:
        spec = task.arguments.get("spec")
        if task.uses == "chart" and isinstance(spec, Mapping):
            if "data" in spec:
                yield _refused(
                    subject, task, ("data",), "`spec` has no `data`: the chart shows the task's rows", at_key=True
                )
            else:
                yield from _against_schema(subject, task, spec)
            yield from _fields(subject, task, spec)


def _against_schema(subject: Subject, task: TaskView, spec: Mapping[str, Any]) -> Iterator[Diagnostic]:
    file = _schema_file()
    if file is None:
        return
    validator = _validator(str(file), os.path.getmtime(file))  # noqa: PTH204 # of one file
    leaves = _nearest(validator.iter_errors({**spec, "data": {"values": []}}))
    if not leaves:
        return
    place = tuple(leaves[0].absolute_path)
    unknown = min(
        (set(_unknown(leaf)) for leaf in leaves if leaf.validator == "additionalProperties"), key=len, default=None
    )
    if unknown:
        key = sorted(unknown)[0]
        known = sorted({name for leaf in leaves for name in leaf.schema.get("properties", ())})
        message = f"Vega-Lite has no key `{key}` here"
        yield _refused(subject, task, (*place, key), message, at_key=True, caret=meant(key, known))
        return
    values = sorted({str(one) for leaf in leaves for one in _values(leaf)})
    if values:
        text = str(leaves[0].instance)
        allowed = tuple(values) if len(values) <= _MOST_ALLOWED else ()
        message = (
            f"Vega-Lite does not accept `{text}` as `{place[-1]}`" if place else "Vega-Lite does not accept the spec"
        )
        yield _refused(subject, task, place, message, caret=_meant(text, values), allowed=allowed)
        return
    missing = next((leaf for leaf in leaves if leaf.validator == "required"), None)
    message = (
        f"Vega-Lite needs the key {missing.message.split(' is ')[0]}" if missing else f"Vega-Lite: {leaves[0].message}"
    )
    yield _refused(subject, task, place, message.replace("'", "`"))


def _refused(subject: Subject, task: TaskView, place: tuple[Any, ...], message: str, **more: Any) -> Diagnostic:
    return subject.finding(Code.BAD_CHART, (*task.with_path, "spec", *place), message, **more)


def _nearest(errors: Iterable[Any]) -> list[Any]:
    """Of all that is wrong in the branches of a union, what is wrong deepest inside: there the branch was meant. Where
    several are as deep, the branch with the least."""
    branches = [leaves for error in errors for leaves in _branches(error)]
    if not branches:
        return []
    deepest = max(max(len(leaf.absolute_path) for leaf in leaves) for leaves in branches)
    deep = [[leaf for leaf in leaves if len(leaf.absolute_path) == deepest] for leaves in branches]
    if deepest:
        return [leaf for leaves in deep for leaf in leaves]
    return min((leaves for leaves in deep if leaves), key=len)


def _branches(error: Any) -> Iterator[list[Any]]:
    if not error.context:
        yield [error]
        return
    by_branch: dict[Any, list[Any]] = {}
    for inner in error.context:
        by_branch.setdefault(inner.schema_path[0], []).append(inner)
    for inners in by_branch.values():
        if len(inners) == 1:
            yield from _branches(inners[0])
        else:
            yield [leaf for inner in inners for leaves in _branches(inner) for leaf in leaves]


def _unknown(leaf: Any) -> set[str]:
    return set(leaf.instance) - set(leaf.schema.get("properties", ()))


def _meant(text: str, values: list[str]) -> str:
    """Also where letters have changed places (`bra`), which is too near to other short words elsewhere."""
    swapped = [one for one in values if sorted(one) == sorted(text)]
    return did_you_mean(swapped[0]) if len(swapped) == 1 else meant(text, values)


def _values(leaf: Any) -> Iterable[Any]:
    if leaf.validator == "enum":
        return [one for one in leaf.validator_value if one is not None]
    return [leaf.validator_value] if leaf.validator == "const" else []


def _schema_file() -> Path | None:
    altair = find_spec("altair")
    if altair is None or altair.origin is None:
        return None
    return max(Path(altair.origin).parent.glob("vegalite/v*/schema/vega-lite-schema.json"), default=None)


@lru_cache(maxsize=1)
def _validator(file: str, _: float) -> Any:
    import json  # noqa: PLC0415 # only files with charts pay for it

    from jsonschema import Draft7Validator  # noqa: PLC0415 # only files with a chart pay for it

    return Draft7Validator(json.loads(Path(file).read_text(encoding="utf-8")))


def _fields(subject: Subject, task: TaskView, spec: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Fields that the rows do not have, where the file holds the rows and the spec makes no new ones."""
    rows = task.arguments.get("rows")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) for row in rows):
        return
    columns = sorted({str(name) for row in rows for name in row})
    for place, field in unknown_fields(spec, columns):
        message = f"the rows have no column `{field}`"
        yield _refused(
            subject, task, place, message, caret=meant(field, columns), allowed=tuple(columns[:_MOST_ALLOWED])
        )


def unknown_fields(spec: Mapping[str, Any], columns: Iterable[str]) -> list[tuple[tuple[Any, ...], str]]:
    """Fields that are none of the columns, with their places; none where the spec makes new ones."""
    known = set(columns)
    found = () if "transform" in spec else _named(spec.get("encoding"), ("encoding",))
    return [(place, field) for place, field in found if field not in known]


def _named(value: Any, place: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], str]]:
    if isinstance(value, Mapping):
        for key, one in value.items():
            if key == "field" and isinstance(one, str) and not any(sign in one for sign in ".[{$"):
                yield (*place, key), one
            else:
                yield from _named(one, (*place, key))
