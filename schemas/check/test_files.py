"""Test files, `NAME.test.yaml`: read, and held against the pipelines they test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from schemas.check.behind_errors import behind_fixes
from schemas.check.checker import Checker
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Span, once, typo_fix
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import did_you_mean, meant, nearest
from schemas.folder.discovery import is_pipeline_path, tested_pipeline
from schemas.model.pipeline_tests import (
    ROW_FILES,
    FileFixture,
    Given,
    HttpFixture,
    PipelineTest,
    PipelineTests,
    TableFixture,
)
from schemas.model.task_base import commit_task_id
from schemas.rules.poll_state import REMEMBERS
from schemas.rules.subject import Subject
from schemas.shape.validation import document_finding, is_there, model_findings
from schemas.text.document import Document, document_from_bytes, read_document

_NO_FIXTURES = "beside the test: `factory test --record` writes it"


@dataclass(frozen=True)
class TestFile:
    """A test file. `pipeline` is the path of what it tests, below the folder; `model` is None where it has errors."""

    __test__ = False

    path: str
    pipeline: str
    document: Document
    model: PipelineTests | None
    diagnostics: tuple[Diagnostic, ...]

    def span(self, path: DataPath) -> Span:
        """Where something of the file is; the nearest thing around it where it is not written."""
        while path and not is_there(self.document.data, path):
            path = path[:-1]
        return self.document.value_span(path) if path else Span(1, 1, 1, 2)


def read_test_file(checker: Checker, folder: Path, path: str, shown: str, *, record: bool = False) -> TestFile:
    """Read and check the test file at a POSIX path below the folder. `record`: files of fixtures may be missing."""
    typed = checker.options.texts.get(path)
    document = read_document(folder / path, shown) if typed is None else document_from_bytes(typed, shown)
    pipeline = tested_pipeline(path, document.data)
    if document.diagnostics:
        return TestFile(path, pipeline, document, None, document.diagnostics)
    model, found = _judged(checker, folder, path, document)
    if model is None:
        found = once((*found, *behind_fixes(document, found, lambda whole: _judged(checker, folder, path, whole))))
    findings = tuple(d for d in found if not (record and d.message.endswith(_NO_FIXTURES)))
    return TestFile(path, pipeline, document, model, findings)


def _judged(
    checker: Checker, folder: Path, path: str, document: Document
) -> tuple[PipelineTests | None, tuple[Diagnostic, ...]]:
    """The model, None where the shape is wrong, and the findings."""
    try:
        model = PipelineTests.model_validate(document.data)
    except ValidationError as error:
        return None, tuple(_of_shape(document, error))
    return model, tuple(_Rules(checker, folder, path, document, model).check())


def _of_shape(document: Document, error: ValidationError) -> Iterator[Diagnostic]:
    """What is wrong with its shape; a list of something else than rows is one mistake, not one for each entry."""
    lists: dict[DataPath, bool] = {}
    others = []
    for each in error.errors(include_url=False):
        location = each["loc"]
        end = location.index("rows") + 1 if "rows" in location and "expect" in location else 0
        written = document.at(location[:end]) if end else None
        if isinstance(written, list) and not all(isinstance(row, dict) for row in written):
            lists[location[:end]] = "output" in location[:end]
        else:
            others.append(each)
    for place, is_output in lists.items():
        more = "; an output of any other shape is a `value`" if is_output else ""
        text = f"`rows` must be a list of mappings, each a row{more}"
        yield document_finding(document, Code.WRONG_TYPE, place, text, at_key=True)
    yield from model_findings(document, others, PipelineTests)


@dataclass
class _Tested:
    """What the DAGs of a test have: ids of tasks, those inside of each group, names of params, and of what remembers
    the key that it does so under. `takes_any`: a run may be given any param."""

    tasks: set[str] = field(default_factory=set)
    groups: dict[str, list[str]] = field(default_factory=dict)
    params: set[str] = field(default_factory=set)
    keys: dict[str, str] = field(default_factory=dict)
    takes_any: bool = False


def _tested(subjects: Iterable[Subject]) -> _Tested:
    found = _Tested()
    for subject in subjects:
        ids = {view.path: view.full_id for view in subject.tasks if view.full_id is not None}
        found.tasks |= set(ids.values())
        for group in subject.groups:
            inside = [full_id for path, full_id in ids.items() if path[: len(group.path)] == group.path]
            found.groups[group.full_id or ""] = inside
        for view in subject.tasks:
            kept = [key for key in REMEMBERS if view.arguments.get(key) is not None]
            if view.uses == "http" and kept and view.full_id is not None:
                found.tasks.add(commit_task_id(view.full_id))
                by_token = isinstance(view.arguments[kept[0]], dict) and "token_path" in view.arguments[kept[0]]
                found.keys[view.full_id] = "answer" if kept == [REMEMBERS[1]] else "token" if by_token else "cursor"
        holders = [subject.data, *(holder for path, holder in subject.settings if path != ("poll",))]
        holders += [view.arguments for view in subject.tasks if "." in (view.uses or "")]
        written = subject.data.get("tasks")
        for name, task in written.items() if isinstance(written, dict) else ():  # a dag-factory document
            group_id = task.get("task_group_name") if isinstance(task, dict) else None
            found.tasks |= {name, f"{group_id}.{name}"} if group_id else {name}
            holders += [task] if isinstance(task, dict) else []
        found.params |= {name for one in holders if isinstance(given := one.get("params"), dict) for name in given}
        found.takes_any |= "dag_run.conf" in str(subject.data)
    return found


class _Rules:
    """What of a test file does not fit its pipeline or the files beside it."""

    def __init__(self, checker: Checker, folder: Path, path: str, document: Document, model: PipelineTests) -> None:
        self._checker = checker
        self._base = (folder / path).parent
        self._document = document
        self._model = model
        self._pipeline = pipeline = tested_pipeline(path, document.data)
        self._exists = is_pipeline_path(pipeline) and (folder / pipeline).is_file()
        self._ids = checker.dag_ids(pipeline) if self._exists else ()
        self._environments = checker.environments_of(pipeline) if self._exists else ()
        self._tested: dict[tuple[str | None, str | None], _Tested] = {}

    def _tested_by(self, test: PipelineTest) -> _Tested:
        """What the DAGs have that a test may mean."""
        environment = test.environment if test.environment in self._environments else None
        dag_id = test.dag_id if test.dag_id in self._ids else None
        if (environment, dag_id) not in self._tested:
            variants = self._checker.variants_in(self._pipeline, environment)
            subjects = [Subject(self._pipeline, v.effective) for v in variants if dag_id in (None, v.dag_id)]
            self._tested[environment, dag_id] = _tested(subjects)
        return self._tested[environment, dag_id]

    def check(self) -> Iterator[Diagnostic]:
        if not self._exists:
            path = ("pipeline",) if self._model.pipeline is not None else ()
            text = f"there is no pipeline `{self._pipeline}` to test"
            yield document_finding(self._document, Code.UNREADABLE, path, text)
            return
        for index, test in enumerate(self._model.tests):
            yield from self._of_test(("tests", index), test)

    def _of_test(self, path: DataPath, test: PipelineTest) -> Iterator[Diagnostic]:
        for key, name, known, what in (
            ("environment", test.environment, self._environments, "declares no environment"),
            ("dag_id", test.dag_id, self._ids, "makes no DAG"),
        ):
            if name and name not in known:
                text, caret, edit = f"the pipeline {what} `{name}`", meant(name, known), typo_fix(name, known)
                yield document_finding(self._document, Code.WRONG_VALUE, (*path, key), text, caret=caret, edit=edit)
        if test.dag_id is None and len(self._ids) > 1:
            text = f"the pipeline makes {len(self._ids)} DAGs, and the test names none of them"
            caret = f"add `dag_id: {self._ids[0]}`"
            yield document_finding(self._document, Code.MISSING_KEY, (*path, "name"), text, caret=caret)
        tested = self._tested_by(test)
        for position, task_id in enumerate([test.task] if isinstance(test.task, str) else test.task or []):
            place = (*path, "task") if isinstance(test.task, str) else (*path, "task", position)
            yield from self._known(tested, task_id, place, at_key=False)
        for name in () if tested.takes_any else test.params.keys() - tested.params:
            text = f"the pipeline has no param `{name}`"
            place, caret, edit = (*path, "params", name), meant(name, tested.params), typo_fix(name, tested.params)
            yield document_finding(self._document, Code.UNKNOWN_KEY, place, text, at_key=True, caret=caret, edit=edit)
        groups: Mapping[DataPath, Mapping[str, object]] = {
            ("given", "tasks"): test.given.tasks, ("expect", "tasks"): test.expect.tasks,
            ("expect", "output"): test.expect.output, ("expect", "state"): test.expect.state, ("state",): test.state,
        }  # fmt: skip
        for keys, mapping in groups.items():
            for task_id in mapping:
                yield from self._known(tested, task_id, (*path, *keys, task_id), at_key=True)
        for keys, states in ((("state",), test.state), (("expect", "state"), test.expect.state)):
            for task_id, state in states.items():
                yield from self._of_state(tested, task_id, state, (*path, *keys, task_id))
        for keys, tables in ((("given", "tables"), test.given.tables), (("expect", "tables"), test.expect.tables)):
            for name in tables:
                if "." not in name:
                    text = f"`{name}` names no connection: write `CONNECTION.{name}`"
                    yield document_finding(self._document, Code.WRONG_VALUE, (*path, *keys, name), text, at_key=True)
        yield from self._empty(path, test)
        yield from self._files(path, test)

    def _known(self, tested: _Tested, task_id: str, place: DataPath, *, at_key: bool) -> Iterator[Diagnostic]:
        """A group may run (`task`, no key), but has no output and no end of its own."""
        inside = tested.groups.get(task_id) or [known for known in tested.tasks if known.startswith(f"{task_id}.")]
        if task_id in tested.tasks or (inside and not at_key):
            return
        text = f"the pipeline has no task `{task_id}`"
        caret, edit = did_you_mean(nearest(task_id, tested.tasks)), typo_fix(task_id, tested.tasks)
        if inside:
            text, edit = f"`{task_id}` is a group of tasks, and no task", None
            caret = f"name a task inside: {', '.join(f'`{known}`' for known in sorted(inside)[:10])}"
        yield document_finding(self._document, Code.UNKNOWN_TASK, place, text, at_key=at_key, caret=caret, edit=edit)

    def _of_state(
        self, tested: _Tested, task_id: str, state: Mapping[str, object], place: DataPath
    ) -> Iterator[Diagnostic]:
        key = tested.keys.get(task_id)
        if key is None and task_id in tested.tasks:
            text = f"`{task_id}` remembers nothing: only a poll with `incremental` or `change_detection` does"
            yield document_finding(self._document, Code.WRONG_VALUE, place, text, at_key=True)
        for written in state:
            if key is not None and written != key:
                text = f"`{task_id}` remembers its `{key}`, and no `{written}`"
                at, caret, edit = (*place, written), did_you_mean(key), typo_fix(written, (key,))
                yield document_finding(self._document, Code.UNKNOWN_KEY, at, text, at_key=True, caret=caret, edit=edit)

    def _empty(self, path: DataPath, test: PipelineTest) -> Iterator[Diagnostic]:
        """Expectations that nothing could fail."""
        output = [(("output", name), rows) for name, rows in test.expect.output.items()]
        files = [(("files", name), rows) for name, rows in test.expect.files.items()]
        for keys, rows in [*output, *((("tables", name), rows) for name, rows in test.expect.tables.items()), *files]:
            place = (*path, "expect", *keys)
            if rows.match == "subset" and rows.rows == [] and rows.count is None:
                text = "all rows have these among them: leave out `match: subset`, or write `count`"
                yield document_finding(self._document, Code.WRONG_VALUE, (*place, "rows"), text)
            if keys[0] != "files" and not rows.model_fields_set - {"match", "order"}:
                text = "this expects nothing: write `rows` or `count`"
                yield document_finding(self._document, Code.MISSING_KEY, place, text)
            for index, row in enumerate(rows.rows if isinstance(rows.rows, list) else ()):
                if not row:
                    text = "this row names no column"
                    yield document_finding(self._document, Code.WRONG_VALUE, (*place, "rows", index), text)

    def _files(self, path: DataPath, test: PipelineTest) -> Iterator[Diagnostic]:
        given, expect = test.given, test.expect
        written: list[tuple[DataPath, object]] = [((*path, "given", "http"), given.http)]
        for index, fixture in enumerate(() if isinstance(given.http, str) else given.http):
            yield from self._body(self._document, (*path, "given", "http", index), fixture)
        for name, output in given.tasks.items():
            if isinstance(output, str) and output.endswith(ROW_FILES):
                written.append(((*path, "given", "tasks", name), output))
        for name, table in given.tables.items():
            place = (*path, "given", "tables", name)
            written.append(((*place, "rows"), table.rows) if isinstance(table, TableFixture) else (place, table))
        for name, file in given.files.items():
            if isinstance(file, FileFixture):
                written.append(((*path, "given", "files", name, "file"), file.file))
        for keys, mapping in (("output", expect.output), ("tables", expect.tables), ("files", expect.files)):
            written += [((*path, "expect", keys, name, "rows"), rows.rows) for name, rows in mapping.items()]
        for place, named in written:
            if isinstance(named, str) and not (self._base / named).is_file():
                text = f"there is no file `{named}` {_NO_FIXTURES if place[-1] == 'http' else 'beside the test'}"
                yield document_finding(self._document, Code.UNREADABLE, place, text)
            elif isinstance(named, str) and place[-1] == "http":
                fixtures, document = fixtures_of(self._base / named, self._document.file.rpartition("/")[0])
                yield from document.diagnostics
                for index, fixture in enumerate(fixtures):
                    yield from self._body(document, (index,), fixture)

    def _body(self, document: Document, path: DataPath, fixture: HttpFixture) -> Iterator[Diagnostic]:
        file = fixture.response.file
        if file is not None and not (self._base / file).is_file():
            text = f"there is no file `{file}` beside the test"
            yield document_finding(document, Code.UNREADABLE, (*path, "response", "file"), text)


def fixtures_of(path: Path, shown: str) -> tuple[Sequence[HttpFixture], Document]:
    """The fixtures of a file, and the file with what is wrong with it; `shown` is its folder as people know it."""
    document = read_document(path, f"{shown}/{path.name}" if shown else path.name)
    if document.diagnostics or document.data is None:
        return (), document
    if not isinstance(document.data, list):
        found = (document_finding(document, Code.WRONG_TYPE, (), "fixtures are a list"),)
        return (), replace(document, diagnostics=found)
    try:
        given = Given.model_validate({"http": document.data})
    except ValidationError as error:
        wrong = model_findings(document, error.errors(include_url=False), Given, ("http",))
        return (), replace(document, diagnostics=tuple(wrong))
    return given.http if not isinstance(given.http, str) else (), document
