"""The files that an editor has open, with the text that is not saved yet, and what lint finds in them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

from factory.cli.editor.outline import Outline
from schemas.check import Checker, CheckOptions
from schemas.check.fixing import is_better
from schemas.check.layers import Kept
from schemas.check.test_files import read_test_file
from schemas.compose.effective import Effective
from schemas.compose.merging import ENVIRONMENTS, compose, declared
from schemas.compose.variants import Variant
from schemas.findings.diagnostics import Diagnostic, Fix
from schemas.findings.paths import DataPath, task_path
from schemas.folder.discovery import (
    DEFAULTS_STEM,
    TEST_SUFFIXES,
    is_defaults_path,
    is_pipeline_path,
    is_test_path,
    pipeline_paths,
    tested_pipeline,
)
from schemas.folder.project import FOLDER_NAME, is_template_path, lexically_absolute, pipelines_folder
from schemas.rules.task_view import task_views
from schemas.rules.team_policy import project_policy
from schemas.shape.places import value_at
from schemas.source import FactCache, SourceReader
from schemas.text.document import document_from_text
from schemas.text.edits import EditedText

SUFFIXES = (".yaml", ".yml")
DEFAULTS_FILES = tuple(f"{DEFAULTS_STEM}{suffix}" for suffix in SUFFIXES)


@dataclass(frozen=True)
class Place:
    """A file of a pipelines folder, by its POSIX path below it."""

    folder: Path
    path: str

    @property
    def file(self) -> Path:
        return self.folder / self.path

    @property
    def is_test(self) -> bool:
        return is_test_path(self.path)

    @property
    def is_defaults(self) -> bool:
        return is_defaults_path(self.path)

    @property
    def is_template(self) -> bool:
        return is_template_path(self.path)

    @property
    def is_pipeline(self) -> bool:
        return is_pipeline_path(self.path)


def place_of(file: Path) -> Place | None:
    """The place of a file; None where it is no pipeline, no test, no template and no defaults.

    Editors ask about every YAML file. In a folder that has no defaults and not the name of one for pipelines, none is.
    """
    folder = lexically_absolute(pipelines_folder(file))
    is_known = folder.name == FOLDER_NAME or folder == lexically_absolute(pipelines_folder())
    if not is_known and not any((folder / name).is_file() for name in DEFAULTS_FILES):
        return None
    if not file.is_relative_to(folder):
        return None
    path = file.relative_to(folder).as_posix()
    known = is_pipeline_path(path) or is_test_path(path) or is_defaults_path(path) or is_template_path(path)
    return Place(folder, path) if known and file.suffix in SUFFIXES else None


@dataclass
class Workspace:
    """The open files of one pipelines folder."""

    folder: Path
    texts: dict[str, str] = field(default_factory=dict)
    """By path below the folder."""
    kept: Kept = field(default_factory=lambda: Kept(FactCache()))
    _tested: dict[str, tuple[object, str]] = field(default_factory=dict)
    """Path of a test file → its text or its version on disk, and the path of what it tests."""

    def text(self, path: str) -> str:
        """A file's text as it is typed, else as it was saved; empty where there is none."""
        file = self.folder / path
        saved = file.read_text(encoding="utf-8", errors="replace") if path not in self.texts and file.is_file() else ""
        return self.texts.get(path, saved)

    def tested(self, test: Place) -> Place | None:
        """The pipeline that a test file tests."""
        key = self.texts.get(test.path) or _version(test.file)
        known = self._tested.get(test.path)
        if known is None or known[0] != key:
            text = self.text(test.path)
            data = document_from_text(text, test.path).data  # a text that cannot be read now is read line by line
            named = (data or {}).get("pipeline") if isinstance(data, dict | None) else None
            named = named if data is not None else Outline(text).value(("pipeline",))
            known = self._tested[test.path] = (key, tested_pipeline(test.path, {"pipeline": named}))
        is_there = known[1] in self.texts or (self.folder / known[1]).is_file()
        return Place(self.folder, known[1]) if is_there else None

    def tests_of(self, place: Place) -> list[Place]:
        """The test files of a pipeline; they are in its folder."""
        above = place.path.rpartition("/")[0]
        names = sorted(path.name for path in (self.folder / above).glob("*") if path.name.endswith(TEST_SUFFIXES))
        tests = [Place(self.folder, f"{above}/{name}".lstrip("/")) for name in names]
        return [test for test in tests if test.is_test and self.tested(test) == place]

    def checker(self) -> Checker:
        """A checker that sees what is typed; it reads each file once, so each look takes a new one."""
        return Checker(self.folder, self._options())

    def variants(self, place: Place) -> tuple[Variant, ...]:
        """The DAGs of a file as it is typed; none where it cannot be read now."""
        return self.checker().variants(place.path) if place.is_pipeline else ()

    def composed(self, place: Place) -> Iterator[tuple[Name, Effective]]:
        """What holds in the DAGs of a pipeline, or below defaults: without an environment, then in each of them."""
        checker = self.checker()
        layers = checker.layers.defaults(place.path) if place.is_defaults else ()
        is_readable = all(isinstance(one.data, dict | None) and not one.diagnostics for one in layers)
        for environment in (None, *declared(layers)) if layers and is_readable else ():
            yield Name(environment), compose(layers, environment)
        for environment in (None, *checker.environments_of(place.path)) if place.is_pipeline else ():
            for variant in checker.variants_in(place.path, environment):
                if variant.key is None:  # not of dag-factory, whose keys are others
                    yield Name(environment, variant.row.text if variant.row is not None else ""), variant.effective

    def reader(self) -> SourceReader:
        """What dotted paths are; files that did not change are not parsed again."""
        return SourceReader(self.folder, cache=self.kept.facts)

    def findings(
        self, changed: Iterable[str], shown: Iterable[str] = (), opened: Collection[str] | None = None
    ) -> Mapping[str, list[Diagnostic]]:
        """What lint finds in the open files, or in those that are `opened`, in those that `changed` defaults and
        templates reach, and in those that have findings `shown`, by path. A file without findings, or that is gone, has
        an empty list."""
        opened = self.texts if opened is None else opened
        chosen = {path for path in opened if is_pipeline_path(path) or is_template_path(path)}
        chosen |= set(self._below(changed))
        chosen |= {path for path in shown if (is_pipeline_path(path) or is_template_path(path))}
        gone = {path for path in chosen if path not in self.texts and not (self.folder / path).is_file()}
        chosen -= gone
        policy = project_policy(self.folder)
        result = Checker(self.folder, replace(self._options(), policy=policy.policy)).folder(chosen)
        asked = chosen | {path for path in opened if is_defaults_path(path)}
        found: dict[str, list[Diagnostic]] = {path: [] for path in asked | gone}
        for diagnostic in result.diagnostics:
            if diagnostic.file in found:
                found[diagnostic.file].append(diagnostic)
        tests = [path for path in opened if is_test_path(path)]
        for path, checker in zip(tests, repeat(self.checker()) if tests else (), strict=False):
            found[path] = list(read_test_file(checker, self.folder, path, path).diagnostics)
        return found

    def kept_fixes(self, path: str, findings: Iterable[Diagnostic]) -> list[Diagnostic]:
        """Those of a file's findings whose fix `factory lint --fix` would keep, each by itself."""
        before = self.findings([path], opened=[path])
        found = []
        for finding in findings:
            texts = {**self.texts, path: EditedText.of(self.text(path)).edited(_fix(finding)).text}
            after = Workspace(self.folder, texts, self.kept).findings([path], opened=[path])
            if is_better(before, after, {path: [finding]}, path):
                found.append(finding)
        return found

    def _options(self) -> CheckOptions:
        texts = {path: text.encode("utf-8", "surrogatepass") for path, text in self.texts.items()}
        return CheckOptions(environment="", every_environment=True, shown_folder="", texts=texts, kept=self.kept)

    def _below(self, changed: Iterable[str]) -> Iterator[str]:
        for path in changed:
            if is_defaults_path(path):
                above = path.rpartition("/")[0]
                yield from (p for p in pipeline_paths(self.folder) if not above or p.startswith(f"{above}/"))
            elif is_template_path(path):
                yield from self.checker().takers(path)


class Name(NamedTuple):
    """Of one of several DAGs of a file."""

    environment: str | None
    row: str = ""

    @property
    def environment_text(self) -> str:
        return f"environment `{self.environment}`" if self.environment is not None else "no environment"


def effective_paths(effective: Effective, path: DataPath, environment: str | None = None) -> list[DataPath]:
    """Where what is at a path of the last of the layers is in the whole: defaults may put other tasks before a task,
    and a matrix makes several of it."""
    if path[:1] == (ENVIRONMENTS,):
        if path[1:2] != (environment,) or task_path(path[2:]):
            return []
        path = path[2:]
    task, own = task_path(path), effective.layers[-1]
    found: list[DataPath] = [()]
    if task:
        views = task_views(effective.data.get("tasks"))
        written = [(view, effective.key_origin(view.id_path)) for view in views]
        found = [view.path for view, (at, place) in written if at is own and place[:-1] == task]
    return [_merged(effective, one, task, path[len(task) :]) for one in found if path]


def _merged(effective: Effective, path: DataPath, written: DataPath, rest: DataPath) -> DataPath:
    """The path below another one, where defaults may have put other items into each list before those of the file."""
    for key in rest:
        written, value = (*written, key), value_at(effective.data, path)
        items = range(len(value)) if isinstance(key, int) and isinstance(value, list) else ()
        own = effective.layers[-1]
        path = (*path, next((one for one in items if effective.key_origin((*path, one)) == (own, written)), key))
    return path


def _fix(finding: Diagnostic) -> Iterator[Fix]:
    if finding.fix is not None:
        yield finding.fix


def _version(file: Path) -> tuple[int, int] | None:
    """What changes with a file; None where there is none."""
    found = file.stat() if file.is_file() else None
    return (found.st_mtime_ns, found.st_size) if found is not None else None


def file_of(uri: str) -> Path | None:
    """The file of a `file://` address; None for a text that has none yet."""
    from pygls.uris import to_fs_path  # noqa: PLC0415 # the extra

    path = to_fs_path(uri) if uri.startswith("file:") else None
    return Path(os.path.abspath(path)) if path else None  # noqa: PTH100 # links stay: they say which folder is meant
