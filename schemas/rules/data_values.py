"""What data tasks are told: rules of `check` that hold always or never, tables of `duckdb`, types of `load`, columns of
models; and Vega-Lite specs of `chart`, held against Vega-Lite's own JSON Schema where altair has it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from schemas.expressions.reading import TaskReference
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import did_you_mean, meant
from schemas.model.built_ins.tables import ColumnChecks, Expected
from schemas.rules.subject import Subject
from schemas.rules.task_view import ROW_FILE, TaskView, texts

_MOST_ALLOWED = 20  # values that a finding lists


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Findings in what contradicts itself, or says nothing."""
    for task in subject.tasks:
        given, path = task.arguments, task.with_path
        if task.uses == "check":
            yield from _rules(subject, path, given)
        if task.uses == "duckdb":
            yield from _alike(subject, (*path, "tables"), given.get("tables"))
            named = [str(one).removeprefix("./") for _, one in texts(given.get("tables"), ())]
            for place, text in texts(given.get("sql"), (*path, "sql")) if not given.get("external_access") else ():
                reach, files = _REACHES.search(_ASIDE.sub("", text)), _FILE_READ.findall(text)
                others = [one for one in files if one and not any("{" in at or fnmatchcase(one, at) for at in named)]
                if reach or others:
                    what = f"`{reach[1].upper()}`" if reach else f"reading `{others[0]}`"
                    why = "without it, `sql` reads what `tables` names, and nothing else"
                    yield subject.finding(Code.MISSING_KEY, place, f"{what} needs `external_access: true`", help=why)
        if task.uses == "load":
            yield from _decimals(subject, (*path, "columns"), given.get("columns"))
        if task.uses == "train":
            yield from _features(subject, path, given)
        if task.uses == "predict":
            yield from _prediction(subject, task)


_REACHES = re.compile(r"(?:^|;)\s*(COPY|EXPORT|ATTACH|DETACH|LOAD|INSTALL|SET)\b", re.IGNORECASE)
_FILE_READ = re.compile(
    r"(?is)--[^\n]*|/\*.*?\*/|\b(?<!distinct )(?<!both )(?<!leading )(?<!trailing )(?:from|join|read_\w+\()"
    r"\s*'(?:\./)?([^'{*?\[]+\.(?:jsonl|ndjson|json|csv|parquet)(?:\.gz)?)'"
)
_ASIDE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
"""Quoted texts and names, and comments."""


def _rules(subject: Subject, path: DataPath, given: Mapping[str, Any]) -> Iterator[Diagnostic]:
    yield from _expected(subject, (*path, "row_count"), given.get("row_count"))
    columns = given.get("columns")
    for column, wanted in columns.items() if isinstance(columns, dict) else ():
        place = (*path, "columns", column)
        if isinstance(wanted, dict) and all(one is None for one in wanted.values()):
            yield _empty(subject, place, f"the column `{column}` has no rule", ColumnChecks.model_fields)
        for kind, expected in wanted.items() if isinstance(wanted, dict) else ():
            if kind in ColumnChecks.model_fields:
                yield from _expected(subject, (*place, kind), expected)


def _empty(subject: Subject, path: DataPath, message: str, keys: Iterable[str]) -> Diagnostic:
    listed = ", ".join(f"`{key}`" for key in keys)
    return subject.finding(Code.MISSING_KEY, path, f"{message}: write one of {listed}", at_key=True)


def _expected(subject: Subject, path: DataPath, expected: Any) -> Iterator[Diagnostic]:
    """A rule that any figure meets, or none."""
    if not isinstance(expected, dict) or expected.keys() - Expected.model_fields.keys():
        return
    figures = {key: value for key, value in expected.items() if value is not None}
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in figures.values()):
        return
    exact = {key: Decimal(str(value)) for key, value in figures.items()}
    if not all(value.is_finite() for value in exact.values()):
        return
    share = exact.pop("tolerance", Decimal(0))
    if not exact:
        message = f"`{path[-1]}` is held against nothing"
        yield _empty(subject, path, message, (key for key in Expected.model_fields if key != "tolerance"))
    elif share and not any(exact.values()):
        message = "`tolerance` has no effect: it is a share, and a share of 0 is 0"
        yield subject.finding(Code.KEY_OF_ANOTHER_TYPE, (*path, "tolerance"), message, at_key=True)
    # The last is which of two equal limits leaves more out.
    lows = [(exact[key] - abs(exact[key]) * share, key == _LOW[2], key) for key in _LOW if key in exact]
    highs = [(exact[key] + abs(exact[key]) * share, key != _HIGH[2], key) for key in _HIGH if key in exact]
    (low, is_above, one), (high, may_be, other) = max(lows, default=_NONE), min(highs, default=_NONE)
    if one and other and (low > high or (low == high and (is_above or not may_be))):
        message = f"no figure meets `{one}: {figures[one]}` and `{other}: {figures[other]}`"
        yield subject.finding(Code.CONTRADICTION, (*path, other), message, at_key=True)


_LOW, _HIGH = ("equal_to", "geq_to", "greater_than"), ("equal_to", "leq_to", "less_than")
_NONE = (Decimal(0), False, "")


def _alike(subject: Subject, path: DataPath, tables: Any) -> Iterator[Diagnostic]:
    """Tables whose names SQL takes for one, and lists of both paths and rows."""
    first: dict[str, str] = {}
    for name, value in tables.items() if isinstance(tables, dict) else ():
        other = first.setdefault(str(name).casefold(), name)
        if other != name:
            message = f"`{other}` and `{name}` are one name to SQL"
            yield subject.finding(Code.CONTRADICTION, (*path, name), message, at_key=True)
        entries = value if isinstance(value, list) else []
        row = next((number for number, one in enumerate(entries) if isinstance(one, dict)), None)
        if row is not None and any(isinstance(one, str) and "{" not in one for one in entries):
            message = f"`{name}` mixes paths and rows: a table is made of the one or the other"
            yield subject.finding(Code.CONTRADICTION, (*path, name, row), message)
        named = [(one, ROW_FILE.fullmatch(one)) for one in entries if isinstance(one, str)]
        formats = {one: match["format"].lower().replace("ndjson", "jsonl") for one, match in named if match is not None}
        odd = next((one for one, form in formats.items() if form != next(iter(formats.values()))), None)
        if odd is not None:
            message = f"the files of `{name}` are of several formats: a table is made of files of one"
            yield subject.finding(Code.FILE_FORMAT, (*path, name, entries.index(odd)), message)


def _decimals(subject: Subject, path: DataPath, columns: Any) -> Iterator[Diagnostic]:
    for column, kind in columns.items() if isinstance(columns, dict) else ():
        precision, scale = (kind.get("precision"), kind.get("scale")) if isinstance(kind, dict) else (None, None)
        if isinstance(precision, int) and isinstance(scale, int) and 0 < precision < scale:
            message = f"of {precision} digits, {scale} cannot be behind the point"
            yield subject.finding(Code.CONTRADICTION, (*path, column, "scale"), message, at_key=True)


def _features(subject: Subject, path: DataPath, given: Mapping[str, Any]) -> Iterator[Diagnostic]:
    features, target = given.get("features"), given.get("target")
    if isinstance(features, list) and isinstance(target, str) and target in features:
        message = f"the model would predict `{target}` from itself: `features` has what it learns from"
        yield subject.finding(Code.CONTRADICTION, (*path, "features", features.index(target)), message)


def _prediction(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    """A prediction that takes the name of a column of the rows: of those in the file, or of another prediction."""
    column, rows = task.arguments.get("column") or _PREDICTION, task.arguments.get("rows")
    is_taken = isinstance(rows, list) and any(isinstance(row, Mapping) and column in row for row in rows)
    known = {view.full_id: view for view in subject.tasks if view.uses == "predict" and view.full_id is not None}
    for reference in subject.references_of(task):
        at_rows = reference.path[len(task.with_path) :] in (("rows",), ("file",))
        if at_rows and isinstance(reference.to, TaskReference) and reference.part is None:
            other = known.get(task.scope.find(reference.to.task_id, known) or "")
            is_taken |= other is not None and (other.arguments.get("column") or _PREDICTION) == column
    if is_taken:
        message = f"the rows have a column `{column}` already, which the prediction would replace"
        path = (*task.with_path, "column" if "column" in task.arguments else "rows" if rows is not None else "file")
        yield subject.finding(Code.CONTRADICTION, path, message, help="give the prediction another name with `column`")


_PREDICTION = "prediction"


def check_charts(subject: Subject) -> Iterator[Diagnostic]:
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
