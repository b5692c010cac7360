"""Test files, `NAME.test.yaml`: read, and held against the pipelines they test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from schemas.check.checker import Checker
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Span
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import did_you_mean, meant, nearest
from schemas.folder.discovery import TEST_SUFFIXES, is_pipeline_path
from schemas.model.pipeline_tests import PipelineTest, PipelineTests
from schemas.rules.subject import Subject
from schemas.shape.places import keys_at
from schemas.shape.wording import problem_text
from schemas.text.document import Document, document_from_bytes, read_document


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
        while path and not _is_there(self.document.data, path):
            path = path[:-1]
        return self.document.value_span(path) if path else Span(1, 1, 1, 2)


def read_test_file(checker: Checker, folder: Path, path: str, shown: str) -> TestFile:
    """Read and check the test file at a POSIX path below the folder."""
    typed = checker.options.texts.get(path)
    document = read_document(folder / path, shown) if typed is None else document_from_bytes(typed, shown)
    pipeline = _tested(path, document.data)
    if document.diagnostics:
        return TestFile(path, pipeline, document, None, document.diagnostics)
    try:
        model = PipelineTests.model_validate(document.data)
    except ValidationError as error:
        found = tuple(_shape(document, error.errors(include_url=False)))
        return TestFile(path, pipeline, document, None, found)
    findings = tuple(_Rules(checker, folder, path, pipeline, document, model).check())
    return TestFile(path, pipeline, document, model, findings)


def _tested(path: str, data: Any) -> str:
    """The path of the pipeline that a test file tests."""
    above = path.rpartition("/")[0]
    written = data.get("pipeline") if isinstance(data, dict) else None
    if isinstance(written, str):
        return f"{above}/{written}" if above else written
    suffix = next(suffix for suffix in TEST_SUFFIXES if path.endswith(suffix))
    return f"{path.removesuffix(suffix)}{suffix.removeprefix('.test')}"


def _shape(document: Document, errors: Iterable[ErrorDetails]) -> Iterator[Diagnostic]:
    seen: set[DataPath] = set()
    for error in errors:
        path = _path_in(document.data, error["loc"])
        if path in seen:
            continue
        seen.add(path)
        if error["type"] == "extra_forbidden":
            key, caret = str(error["loc"][-1]), meant(str(error["loc"][-1]), keys_at(PipelineTests, error["loc"][:-1]))
            yield _finding(document, Code.UNKNOWN_KEY, path, f"unknown key `{key}`", at_key=True, caret=caret)
        elif error["type"] == "missing":
            yield _finding(document, Code.MISSING_KEY, path, f"`{error['loc'][-1]}` is missing")
        else:
            name = f"`{next((part for part in reversed(path) if isinstance(part, str)), 'the file')}`"
            text = problem_text(error, name)
            yield _finding(document, text.code, path, text.message, caret=text.caret)


def _path_in(data: Any, location: tuple[int | str, ...]) -> DataPath:
    """The part of an error's location that is a path of the document: members of unions are none."""
    end = next((end for end in range(len(location), 0, -1) if _is_there(data, location[:end])), 0)
    return location[:end]


def _is_there(data: Any, path: DataPath) -> bool:
    for element in path:
        keys: Any = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
        if element not in keys:
            return False
        data = data[element]
    return True


def _finding(
    document: Document, code: Code, path: DataPath, message: str, *, at_key: bool = False, caret: str = ""
) -> Diagnostic:
    span = document.key_span(path) if at_key else document.value_span(path)
    return Diagnostic(code, message, document.file, span, caret=caret, text=document.text)


class _Rules:
    """What of a test file does not fit its pipeline or the files beside it."""

    def __init__(  # a test file and all around it
        self, checker: Checker, folder: Path, path: str, pipeline: str, document: Document, model: PipelineTests
    ) -> None:
        self._folder = folder
        self._base = (folder / path).parent
        self._document = document
        self._model = model
        self._pipeline = pipeline
        self._exists = is_pipeline_path(pipeline) and (folder / pipeline).is_file()
        subjects = [Subject(pipeline, v.effective) for v in checker.variants(pipeline)] if self._exists else []
        self._tasks = {view.full_id for subject in subjects for view in subject.entries if view.full_id is not None}
        self._environments = checker.environments_of(pipeline) if self._exists else ()

    def check(self) -> Iterator[Diagnostic]:
        if not self._exists:
            path = ("pipeline",) if self._model.pipeline is not None else ()
            yield _finding(self._document, Code.UNREADABLE, path, f"there is no pipeline `{self._pipeline}` to test")
            return
        for index, test in enumerate(self._model.tests):
            yield from self._of_test(("tests", index), test)

    def _of_test(self, path: DataPath, test: PipelineTest) -> Iterator[Diagnostic]:
        if test.environment and test.environment not in self._environments:
            text = f"the pipeline declares no environment `{test.environment}`"
            caret = meant(test.environment, self._environments)
            yield _finding(self._document, Code.WRONG_VALUE, (*path, "environment"), text, caret=caret)
        named = [test.task] if isinstance(test.task, str) else test.task or []
        for position, task_id in enumerate(named):
            place = (*path, "task") if isinstance(test.task, str) else (*path, "task", position)
            yield from self._known(task_id, place, at_key=False)
        groups = {
            ("given", "tasks"): test.given.tasks, ("expect", "tasks"): test.expect.tasks,
            ("expect", "output"): test.expect.output, ("expect", "state"): test.expect.state, ("state",): test.state,
        }  # fmt: skip
        for keys, mapping in groups.items():
            for task_id in mapping:
                yield from self._known(task_id, (*path, *keys, task_id), at_key=True)
        for keys, tables in ((("given", "tables"), test.given.tables), (("expect", "tables"), test.expect.tables)):
            for name in tables:
                if "." not in name:
                    text = f"`{name}` names no connection: write `CONNECTION.{name}`"
                    yield _finding(self._document, Code.WRONG_VALUE, (*path, *keys, name), text, at_key=True)
        yield from self._files(path, test)

    def _known(self, task_id: str, place: DataPath, *, at_key: bool) -> Iterator[Diagnostic]:
        if task_id not in self._tasks and not any(known.startswith(f"{task_id}.") for known in self._tasks):
            caret = did_you_mean(nearest(task_id, self._tasks))
            text = f"the pipeline has no task `{task_id}`"
            yield _finding(self._document, Code.UNKNOWN_TASK, place, text, at_key=at_key, caret=caret)

    def _files(self, path: DataPath, test: PipelineTest) -> Iterator[Diagnostic]:
        written: list[tuple[DataPath, str]] = []
        if isinstance(test.given.http, str):
            written.append(((*path, "given", "http"), test.given.http))
        else:
            for index, fixture in enumerate(test.given.http):
                if fixture.response.file is not None:
                    written.append(((*path, "given", "http", index, "response", "file"), fixture.response.file))
        written += [((*path, "given", "tables", n), r) for n, r in test.given.tables.items() if isinstance(r, str)]
        for keys, mapping in (("output", test.expect.output), ("tables", test.expect.tables)):
            for name, rows in mapping.items():
                if isinstance(rows.rows, str):
                    written.append(((*path, "expect", keys, name, "rows"), rows.rows))
        for place, file in written:
            if not (self._base / file).is_file():
                text = f"there is no file `{file}` beside the test"
                yield _finding(self._document, Code.UNREADABLE, place, text)
