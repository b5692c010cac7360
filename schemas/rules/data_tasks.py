"""Data tasks: where their rows come from, keys that need others, endings of files, extras that are not installed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, NamedTuple

from schemas.compose.env_values import EnvText
from schemas.expressions.reading import TaskReference
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.rules.run_times import longest_interval
from schemas.rules.subject import Subject
from schemas.rules.task_view import FILLED, ROW_FILE, TaskView, texts

DISTRIBUTION = "airflow-pipeline-factory"
_ROWS = ".jsonl, .json, .csv (also with .gz) or .parquet"

_TABLE_READ = re.compile(r"\b(?:from|join)\s+\"?([\w.]+)", re.IGNORECASE)
_CHART_FILE = re.compile(r".*\.(?:html|svg|png|pdf)", re.IGNORECASE | re.DOTALL)


class _Engine(NamedTuple):
    """The extra behind a built-in, and the module by which it is known."""

    extra: str
    module: str


class _Needs(NamedTuple):
    """A key has no effect without another one."""

    key: str
    other: str


ENGINES: Mapping[str, _Engine] = MappingProxyType(
    {
        "load": _Engine("load", "dlt"),
        "duckdb": _Engine("duckdb", "duckdb"),
        "check": _Engine("duckdb", "duckdb"),
        "chart": _Engine("chart", "vl_convert"),
        "train": _Engine("ml", "skops"),
        "predict": _Engine("ml", "skops"),
    }
)
SOURCES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "load": ("rows", "file"),
        "check": ("rows", "file", "conn_id"),
        "chart": ("rows", "file", "conn_id"),
        "train": ("rows", "file"),
        "predict": ("rows", "file"),
    }
)
"""Built-in → the keys of which it needs one."""
_WRITERS = ("http", "sql", "duckdb", "predict")
_RULES = ("columns", "checks", "row_count", "freshness")
_PAIRS: Mapping[str, tuple[_Needs, ...]] = MappingProxyType(
    {
        "check": (_Needs("conn_id", "table"), _Needs("table", "conn_id")),
        "chart": (_Needs("conn_id", "sql"), _Needs("sql", "conn_id")),
    }
)
_FILES: Mapping[str, Mapping[str, tuple[re.Pattern[str], str]]] = MappingProxyType(
    {
        "sql": {"to": (ROW_FILE, _ROWS)},
        "duckdb": {"to": (ROW_FILE, _ROWS), "tables": (ROW_FILE, _ROWS)},
        "load": {"file": (ROW_FILE, _ROWS)},
        "check": {"file": (ROW_FILE, _ROWS)},
        "chart": {"file": (ROW_FILE, _ROWS), "to": (_CHART_FILE, ".html, .svg, .png or .pdf")},
        "train": {"file": (ROW_FILE, _ROWS)},
        "predict": {"file": (ROW_FILE, _ROWS), "to": (ROW_FILE, _ROWS)},
    }
)
"""Built-in → key → what the file's name must be like, and how that is said."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Findings in every data task."""
    for task in subject.tasks:
        uses = str(task.uses)
        if uses in ENGINES and not (uses == "check" and task.arguments.get("conn_id") is not None):
            yield from _extra(subject, task, ENGINES[uses])
        yield from _source(subject, task, SOURCES.get(uses, ()))
        for pair in _PAIRS.get(uses, ()):
            yield from _pair(subject, task, pair)
        yield from _endings(subject, task, _FILES.get(uses, {}))
        if uses == "load":
            yield from _merge(subject, task)
            yield from _added_again(subject, task)
        if uses == "check":
            yield from _rules(subject, task)
        if uses == "sql":
            yield from _fetch(subject, task)


def check_written(subject: Subject) -> Iterator[Diagnostic]:
    """Files that another task, or the next run, replaces before their rows are read."""
    first: dict[str, TaskView] = {}
    for task in subject.tasks:
        to = task.arguments.get("to")
        if str(task.uses) not in _WRITERS or not isinstance(to, str):
            continue
        path = (*task.with_path, "to")
        if to in first:
            message = f"task `{first[to].full_id}` writes this file too: what is written last replaces its rows"
            yield subject.finding(Code.ROWS_AT_RISK, path, message)
        first.setdefault(to, task)
        at_once = task.arguments.get("commit") == "poll" or len(subject.tasks) == 1
        if at_once and task.arguments.get("incremental") is not None and "{" not in to and not isinstance(to, EnvText):
            message = "each run replaces this file, and no later run asks for its rows"
            help_text = "give each run a file of its own, such as `orders/{{ run_id }}.jsonl`"
            yield subject.finding(Code.ROWS_AT_RISK, path, message, help=help_text)


class _Place(NamedTuple):
    """A file, or a table behind a connection."""

    name: str
    conn_id: str | None = None


def check_order(subject: Subject) -> Iterator[Diagnostic]:
    """A file or table that a task further up writes, read by one that does not wait for it."""
    writers: dict[_Place, TaskView] = {}
    told: dict[_Place, list[TaskView]] = {}
    for task in subject.tasks:
        for path, place in _read_by(task) if writers else ():
            writer = writers.get(place)
            if writer is None or subject.is_after(task, writer) or subject.is_after(writer, task):
                continue
            if any(one is task or subject.is_after(task, one) for one in told.setdefault(place, [])):
                continue
            told[place].append(task)
            what = f"the table `{place.name}`" if place.conn_id else "this file"
            message = f"task `{writer.full_id}` writes {what}, and `{task.full_id}` does not wait for it"
            help_text = f"write `needs: [{writer.id}]`: tasks run at the same time, whatever their order in the file"
            yield subject.finding(Code.ROWS_AT_RISK, path, message, help=help_text)
        written = _written_by(task)
        if written is not None and task.path != ("poll",):  # every task runs after the poll
            writers.setdefault(written, task)


def _written_by(task: TaskView) -> _Place | None:
    given = task.arguments
    if task.uses == "load":
        table, conn_id = given.get("table"), given.get("conn_id")
        return _Place(table, conn_id) if isinstance(table, str) and isinstance(conn_id, str) else None
    to = given.get("to") if task.uses in _WRITERS else None
    return _Place(to) if isinstance(to, str) else None


def _read_by(task: TaskView) -> Iterator[tuple[DataPath, _Place]]:
    given, conn_id = task.arguments, task.arguments.get("conn_id")
    if task.uses in SOURCES and isinstance(given.get("file"), str):
        yield (*task.with_path, "file"), _Place(given["file"])
    if not isinstance(conn_id, str):
        return
    if task.uses == "check" and isinstance(given.get("table"), str):
        yield (*task.with_path, "table"), _Place(given["table"], conn_id)
    is_sql = task.uses in ("sql", "chart") and given.get("database") is None
    for path, sql in texts(given.get("sql"), (*task.with_path, "sql")) if is_sql else ():
        for name in _TABLE_READ.findall(sql):
            yield path, _Place(name, conn_id)


def _extra(subject: Subject, task: TaskView, engine: _Engine) -> Iterator[Diagnostic]:
    if find_spec(engine.module) is None:
        yield subject.finding(
            Code.EXTRA_NOT_INSTALLED,
            (*task.path, "uses"),
            f"`{task.uses}` needs the extra `{engine.extra}`, which is not installed here",
            help=f"where the task runs: pip install '{DISTRIBUTION}[{engine.extra}]'",
        )


def _source(subject: Subject, task: TaskView, keys: tuple[str, ...]) -> Iterator[Diagnostic]:
    if not keys or task.mapped is None or not isinstance(task.entry.get("with"), dict) or _written(task) & set(keys):
        return
    listed = " or ".join(f"`{key}`" for key in keys)
    message = f"`{task.uses}` needs rows: {listed} is missing"
    yield subject.finding(Code.MISSING_KEY, task.with_path, message, at_key=True)


def _pair(subject: Subject, task: TaskView, pair: _Needs) -> Iterator[Diagnostic]:
    written = _written(task)
    others = {*SOURCES[str(task.uses)]} - {pair.key, pair.other}
    # Beside another source it has a finding of its own.
    if task.arguments.get(pair.key) is not None and pair.other not in written and not written & others:
        message = f"`{pair.key}` has no effect without `{pair.other}`"
        yield subject.finding(Code.KEY_ALONE, (*task.with_path, pair.key), message, at_key=True)


def _merge(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    merges = task.arguments.get("write_disposition") == "merge"
    if merges and task.arguments.get("primary_key") is None:
        path = (*task.with_path, "write_disposition")
        message = "`write_disposition: merge` needs `primary_key`: the column by which it finds the row to replace"
        yield subject.finding(Code.MISSING_KEY, path, message)
    if not merges and task.arguments.get("primary_key") is not None and "write_disposition" not in (task.mapped or ()):
        path = (*task.with_path, "primary_key")
        message = "`primary_key` has no effect without `write_disposition: merge`"
        yield subject.finding(Code.KEY_ALONE, path, message, at_key=True)


def _added_again(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    """Rows of a request that is the same in every run, added without a word about it."""
    is_decided = task.mapped is None or "write_disposition" in _written(task)
    if is_decided or longest_interval(subject) is None:
        return
    known = {view.full_id: view for view in reversed(subject.tasks) if view.full_id is not None}
    for reference in subject.references_of(task):
        if reference.path[len(task.with_path) :] not in (("rows",), ("file",)):
            continue
        if not isinstance(reference.to, TaskReference) or reference.part is not None:
            continue
        request = known.get(task.scope.find(reference.to.task_id, known) or "")
        if request is not None and request.uses == "http" and _asks_the_same(subject, request):
            message = (
                f"every run adds all rows that `{request.full_id}` reads: the default of `write_disposition` is "
                "`append`, so rows that the last run loaded come twice"
            )
            help_text = (
                "write `write_disposition: merge` with `primary_key`, or `write_disposition: replace`; or read only "
                "what is new, with `incremental`. Where each run is to add them all, write `write_disposition: append`"
            )
            yield subject.finding(Code.ROWS_AT_RISK, reference.path, message, help=help_text)


_CHOOSES = ("incremental", "change_detection", "watch", "until")
"""Keys by which one run reads other rows than the last one."""
_CONSTANT = re.compile(r"\{\{\s*(?:var|conn|params)\b[^{}]*\}\}")


def _asks_the_same(subject: Subject, request: TaskView) -> bool:
    """Whether a request asks for the same rows in every run, as far as the file says."""
    is_mapped = request.is_mapped or any(group.is_mapped for group in subject.around(request.path))
    if is_mapped or any(request.arguments.get(key) is not None for key in _CHOOSES):
        return False
    asked = {key: value for key, value in request.arguments.items() if key in (*FILLED, "each")}
    written = (_CONSTANT.sub("", text) for _, text in texts(asked, ()))
    return not any(mark in text for text in written for mark in ("{{", "{%", "${tasks."))


def _rules(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    if isinstance(task.entry.get("with"), dict) and not _written(task) & set(_RULES):
        listed = ", ".join(f"`{key}`" for key in _RULES)
        yield subject.finding(
            Code.MISSING_KEY, task.with_path, f"`check` has no rule: write one of {listed}", at_key=True
        )


def _fetch(subject: Subject, task: TaskView) -> Iterator[Diagnostic]:
    fetch, to = task.arguments.get("fetch"), task.arguments.get("to")
    if to is not None and fetch in ("none", "value"):
        message = f"`to` is a file for rows, and `fetch: {fetch}` gives none"
        path = (*task.with_path, "to")
        yield subject.finding(Code.CONTRADICTION, path, message, at_key=True, caret="write `fetch: rows`")
    if to is None and fetch != "rows" and task.arguments.get("max_rows") is not None:
        message = "`max_rows` has no effect without `fetch: rows`"
        yield subject.finding(Code.KEY_ALONE, (*task.with_path, "max_rows"), message, at_key=True)


def _endings(
    subject: Subject, task: TaskView, files: Mapping[str, tuple[re.Pattern[str], str]]
) -> Iterator[Diagnostic]:
    for key, (pattern, allowed) in files.items():
        value = task.arguments.get(key)
        for place, path in _paths(value) if isinstance(value, dict) == (key == "tables") else ():
            if not _is_open(path) and pattern.fullmatch(path) is None:
                where = (*task.with_path, key, *place)
                name = place[0] if key == "tables" else key
                message = f"`{name}` does not end with a format that `{task.uses}` knows"
                yield subject.finding(Code.FILE_FORMAT, where, message, help=f"the name ends with {allowed}")


def _paths(value: Any) -> Iterator[tuple[tuple[int | str, ...], str]]:
    if isinstance(value, str):
        yield (), value
    elif isinstance(value, dict):
        yield from (((name, *place), path) for name, one in value.items() for place, path in _paths(one))
    elif isinstance(value, list):
        yield from (((place,), one) for place, one in enumerate(value) if isinstance(one, str))


def _is_open(path: str) -> bool:
    """Whether only the run knows how a path ends."""
    return isinstance(path, EnvText) or "${" in path or path.rstrip().endswith(("}}", "%}", "*"))


def _written(task: TaskView) -> set[str]:
    """The keys that say something, mapped ones too."""
    return {key for key, value in task.arguments.items() if value is not None} | set(task.mapped or ())
