"""The DAGs of a folder as a plan compares them: effective values, with the file and line each comes from."""

from __future__ import annotations

import json
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from factory.reporters.full import secret_spans
from schemas.check import Checker, CheckOptions
from schemas.compose.env_values import as_written, names_secret, without
from schemas.compose.variants import Variant
from schemas.findings.codes import Severity
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.rules.policy import check as check_policy
from schemas.rules.secrets import hidden_in
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.rules.team_policy import Policy
from schemas.text.lines import TextLines

HIDDEN = "•••"
"""In place of a secret."""

_NOT_VALUES = frozenset({"id", "with", "needs", "tasks"})
LONGEST_VALUE = 80


@dataclass(frozen=True)
class Value:
    """An effective value, its place, `file:line`, and what may be seen of it: never a secret."""

    data: Any
    place: str
    seen: Any

    @cached_property
    def text(self) -> str:
        """What may be seen of it, on one line; a text without quotes."""
        return " ".join((self.seen if isinstance(self.seen, str) else self.as_json).split())

    @cached_property
    def as_json(self) -> str:
        """The same, with quotes, spaces and line ends."""
        return json.dumps(self.seen, default=str, ensure_ascii=False)

    @property
    def shown(self) -> str:
        """Its beginning."""
        return self.text if len(self.text) <= LONGEST_VALUE else f"{self.text[: LONGEST_VALUE - 1]}…"


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same to Airflow: `1` is neither `true` nor `1.0`."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, str) and isinstance(other, str):
        return as_written(one) == as_written(other)
    return type(one) is type(other) and bool(one == other)


@dataclass(frozen=True)
class Task:
    """A task or a group: `values` holds its `uses`, arguments and settings by dotted name."""

    id: str
    needs: frozenset[str]
    values: Mapping[str, Value]
    place: str

    @cached_property
    def likeness(self) -> str:
        """What two tasks share that differ in nothing but their ids."""
        return json.dumps({name: value.data for name, value in self.values.items()}, sort_keys=True, default=str)


@dataclass(frozen=True)
class Dag:
    """One DAG. `settings` are the values outside of tasks, by dotted name."""

    id: str
    path: str
    environment: str | None
    data: Mapping[str, Any] = field(repr=False)
    settings: Mapping[str, Value] = field(repr=False)
    tasks: Mapping[str, Task] = field(repr=False)
    forbidden: Sequence[Diagnostic] = ()
    """What the team's policy does not allow."""


@dataclass(frozen=True)
class Contents:
    """What a folder makes: DAGs by id and environment, the ids and findings of each file. `failing` are those `broken`
    files that have an error where no environment is chosen."""

    dags: Mapping[tuple[str, str | None], Dag]
    broken: Mapping[str, Sequence[Diagnostic]]
    failing: Collection[str]
    ids: Mapping[str, Sequence[str]]


def content(file: Path) -> bytes:
    """Of a file; nothing where it cannot be read, of which lint has the reason."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def contents(
    folder: Path, shown: str, paths: Sequence[str], policy: Policy | None = None, *, environments: bool = True
) -> Contents:
    """Read some pipelines of a folder, named by their POSIX paths below it. Nothing of the environment is read. A file
    is broken, too, where it has an error in one of its environments."""
    options = CheckOptions(environ={}, environment="", shown_folder=shown, every_environment=environments)
    checker = Checker(folder, options)
    chosen_in: dict[str, Checker] = {}
    dags: dict[tuple[str, str | None], Dag] = {}
    broken: dict[str, Sequence[Diagnostic]] = {}
    failing: set[str] = set()
    ids: dict[str, Sequence[str]] = {}
    for path in paths:
        result = checker.file(path)
        secrets = _secret_texts(result.diagnostics)
        errors = [d for d in result.diagnostics if d.severity is Severity.ERROR]
        if errors:
            broken[path] = errors
            is_failing = Checker(folder, replace(options, every_environment=False)).file(path).has_errors
            failing |= {path} if is_failing else set()
        ids[path] = checker.dag_ids(path)
        for dag in _dags(path, checker.variants(path), secrets, policy):
            dags.setdefault((dag.id, dag.environment), dag)
        for environment in checker.environments_of(path) if environments else ():
            if environment not in chosen_in:
                chosen_in[environment] = Checker(
                    folder, replace(options, environment=environment, every_environment=False)
                )
            chosen = chosen_in[environment]
            own = [*secrets, *_secret_texts(chosen.file(path).diagnostics)]
            for dag in _dags(path, chosen.variants(path), own, policy):
                dags.setdefault((dag.id, environment), dag)
    return Contents(dags, broken, failing, ids)


def _dags(path: str, variants: Sequence[Variant], secrets: Sequence[str], policy: Policy | None) -> Iterator[Dag]:
    for variant in variants:
        subject, data = Subject(path, variant.effective), variant.effective.data
        row = {key: cell.value for key, cell in variant.row.cells.items()} if variant.row is not None else {}
        given = [{k: v.value for k, v in one.values.items() if v} for one in variant.effective.arguments]
        reading = _Reading(subject, {*secrets, *_named_as_secrets([data.get("vars"), row, *given])})
        forbidden = tuple(check_policy(subject, policy)) if policy is not None else ()
        yield Dag(variant.dag_id, path, variant.environment, data, reading.settings(), reading.tasks(), forbidden)


class _Reading:
    """Takes an effective document apart."""

    def __init__(self, subject: Subject, secrets: Iterable[str]) -> None:
        self._subject = subject
        self._secrets = tuple(secrets)

    def settings(self) -> dict[str, Value]:
        data = {key: value for key, value in self._subject.data.items() if key not in ("tasks", "poll", "environments")}
        return dict(self._flat(data, ()))

    def tasks(self) -> dict[str, Task]:
        entries = self._subject.entries
        ids = {view.full_id for view in entries if view.full_id is not None}
        found = {view.full_id: self._task(view, ids) for view in entries if view.full_id is not None}
        tasks = self._subject.data.get("tasks")
        if isinstance(tasks, dict):  # a dag-factory document
            found |= {str(name): self._dag_factory_task(str(name), task) for name, task in tasks.items()}
        return found

    def _task(self, view: TaskView, ids: Container[str]) -> Task:
        if view.path == ("poll",):
            values = dict(self._flat(view.entry, view.path))
        else:
            own = {key: value for key, value in view.entry.items() if key not in _NOT_VALUES}
            values = {**dict(self._flat(view.arguments, view.with_path)), **dict(self._flat(own, view.path))}
        names = [name for _, name in view.needs]
        names += [reference.task_id for user, _, reference in self._subject.task_references if user is view]
        needs = {view.scope.find(name, ids) or name for name in names}
        return Task(view.full_id or "", frozenset(needs), values, self._place(view.path))

    def _dag_factory_task(self, name: str, task: Any) -> Task:
        entry = task if isinstance(task, dict) else {"operator": task}
        needs = entry.get("dependencies")
        values = {key: value for key, value in entry.items() if key != "dependencies"}
        path = ("tasks", name)
        return Task(name, frozenset(map(str, needs or ())), dict(self._flat(values, path)), self._place(path))

    def _flat(self, value: Mapping[str, Any], path: DataPath, prefix: str = "") -> Iterator[tuple[str, Value]]:
        for key, child in value.items():
            name, place = f"{prefix}{key}", (*path, key)
            if isinstance(child, dict) and child and "$object" not in child:
                yield from self._flat(child, place, f"{name}.")
            else:
                is_secret = any(map(names_secret, name.split(".")))
                yield name, Value(child, self._place(place), self._without_secrets(child, is_secret=is_secret))

    def _place(self, path: DataPath) -> str:
        document, written = self._subject.effective.origin(path)
        return f"{document.file}:{document.value_span(written).line}"

    def _without_secrets(self, value: Any, *, is_secret: bool) -> Any:
        """`is_secret`: a key above says so."""
        if isinstance(value, dict):
            told = {key: is_secret or names_secret(key) for key in value}
            return {key: self._without_secrets(child, is_secret=told[key]) for key, child in value.items()}
        if isinstance(value, list):
            return [self._without_secrets(child, is_secret=is_secret) for child in value]
        text = as_written(value) if isinstance(value, str) else str(value)
        if is_secret:
            return text if text.startswith(_FILLED_IN_LATER) else HIDDEN
        shown = hidden_in(without(text, self._secrets, HIDDEN), HIDDEN)
        return value if shown == text and not isinstance(value, str) else shown


_FILLED_IN_LATER = ("${", "{{")


def _secret_texts(diagnostics: Sequence[Diagnostic]) -> list[str]:
    """The secrets that lint found in the files."""
    texts = (
        TextLines(text).line_text(span.line)[span.column - 1 : span.end_column - 1]
        for text, spans in secret_spans(diagnostics).items()
        for span in spans
    )
    return [text for text in texts if text]


def _named_as_secrets(value: Any, *, is_secret: bool = False) -> Iterator[str]:
    """Values below keys that name secrets: where these are filled in, nothing says any more what they are."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _named_as_secrets(child, is_secret=is_secret or names_secret(key))
    elif isinstance(value, (list, tuple)):
        for child in value:
            yield from _named_as_secrets(child, is_secret=is_secret)
    elif is_secret and value is not None and not isinstance(value, bool):
        text = as_written(value) if isinstance(value, str) else str(value)
        if not text.startswith(_FILLED_IN_LATER):
            yield text
