"""Path or text → CheckResult, the sound pipelines and every finding: the one way into the language, for lint
and build."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from schemas.check.across import Across
from schemas.check.files import CheckOptions, Files
from schemas.check.language import language_of
from schemas.check.layers import unusable
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Span, has_errors, once
from schemas.folder.project import is_template_path
from schemas.model.pipeline import Pipeline
from schemas.rules import Judged, Standards
from schemas.source import SourceReader
from schemas.text import ignore_comments
from schemas.text.document import Document


class CheckedPipeline(NamedTuple):
    """A pipeline without errors.

    `file` is its POSIX path below `folder`, the pipelines folder; `text` is the file's text with its expressions,
    never their values.
    """

    dag_id: str
    file: str
    folder: Path
    text: str
    model: Pipeline


@dataclass(frozen=True, slots=True)
class CheckedDagFactoryDag:
    """A DAG of a dag-factory document without errors.

    `config` is its effective document: what dag-factory's builder takes, with the objects of `__type__` still to be
    made. The other fields are those of `CheckedPipeline`.
    """

    dag_id: str
    file: str
    folder: Path
    text: str
    config: Mapping[str, Any] = field(repr=False)


Checked = CheckedPipeline | CheckedDagFactoryDag


class CheckResult(NamedTuple):
    """`pipelines` hold no errors; `diagnostics` are sorted by file and place."""

    pipelines: tuple[Checked, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def has_errors(self) -> bool:
        return has_errors(self.diagnostics)


class Checker(Files):
    """Checks files of one pipelines folder; each file is read once in a checker's life."""

    def __init__(self, folder: Path, options: CheckOptions | None = None) -> None:
        super().__init__(folder, options)
        kept = self.options.kept
        self._standards = Standards(
            folder,
            self.environ,
            self.environment,
            every_environment=self.options.every_environment,
            require_environment=self.options.require_environment,
            only_errors=self.options.only_errors,
            reader=SourceReader(folder, cache=kept.facts if kept is not None else None)
            if self.options.read_sources
            else None,
            policy=self.options.policy,
            templates=self.layers,
        )

    def file(self, path: str, dag_id: str | None = None) -> CheckResult:
        """Check one pipeline by its POSIX path below the folder; where `dag_id` is given, only that DAG of it.

        Where a bug of ours keeps it from being checked, that is the finding: no other file waits.
        """
        try:
            if is_template_path(path):
                return CheckResult((), self._template(path))
            if self.layers.document(path) is None:
                shown = self.layers.shown(path)
                return CheckResult((), (Diagnostic(Code.UNREADABLE, "there is no such file", shown, Span(1, 1, 1, 2)),))
            return self._result(path, self.layers.documents(path), dag_id)
        except Exception as error:
            return CheckResult((), (check_failed(self.layers.shown(path), "it", error),))

    def text(self, text: str, path: str) -> CheckResult:
        """Check a text as if it were the file at `path` below the folder."""
        if is_template_path(path):
            texts = {**self.options.texts, path: text.encode("utf-8", "surrogatepass")}
            return Checker(self.folder_path, replace(self.options, texts=texts)).file(path)
        document = self.layers.parse(text, self.layers.shown(path))
        return self._result(path, self.layers.documents(path, document), None)

    def folder(self, chosen: Collection[str] | None = None) -> CheckResult:
        """Check every pipeline of the folder, or those that are `chosen`, and what the files are to each other."""
        paths = self.paths()
        results = {path: self.file(path) for path in paths if chosen is None or path in chosen}
        templates = [path for path in self.template_paths() if chosen is None or path in chosen]
        failed = {path for path, r in results.items() if any(d.code is Code.CHECK_FAILED for d in r.diagnostics)}
        across = Across(self, [path for path in paths if path not in failed], results.keys() - failed)
        findings = [d for result in results.values() for d in result.diagnostics]
        findings += [d for path in templates for d in self.file(path).diagnostics]
        for rule in across.rules():
            findings += self._guarded(rule)
        conflicts = across.conflicts(self.environment)
        pipelines = [pipeline for path, r in results.items() if path not in conflicts for pipeline in r.pipelines]
        return CheckResult(tuple(pipelines), once(findings))

    def _template(self, path: str) -> tuple[Diagnostic, ...]:
        from schemas.check.templates import template_findings  # noqa: PLC0415 # few folders hold templates

        return template_findings(path, self.layers, self._standards)

    def _guarded(self, rule: Callable[[], Iterable[Diagnostic]]) -> Sequence[Diagnostic]:
        """What a rule across files finds. A bug in it hides no other finding, as in `file`."""
        try:
            return tuple(rule())
        except Exception as error:
            return (check_failed(self.options.shown_folder or ".", "its files against each other", error),)

    def _result(self, path: str, documents: Sequence[Document], dag_id: str | None) -> CheckResult:
        keeping = unusable(documents)
        result = CheckResult((), ()) if keeping else self._checked(path, documents, dag_id)
        if not keeping and (dag_id is not None or not result.has_errors):
            return result
        from schemas.check.behind_errors import behind_reading, behind_typos  # noqa: PLC0415 # most files are right

        def findings(others: Sequence[Document]) -> Sequence[Diagnostic]:
            return self._checked(path, others, None).diagnostics

        def with_hidden(others: Sequence[Document]) -> Iterable[Diagnostic]:
            return behind_typos(others, findings(others), self.layers.parse, findings)

        if keeping:
            return CheckResult((), once(behind_reading(documents, keeping, self.layers.parse, with_hidden)))
        hidden = behind_typos(documents, result.diagnostics, self.layers.parse, findings)
        return result._replace(diagnostics=once(hidden))

    def _checked(self, path: str, documents: Sequence[Document], dag_id: str | None) -> CheckResult:
        language = language_of(documents[-1])
        chosen = language.variants(path, documents, self.environment, dag_id, self.layers)
        judged = language.judged(path, documents, chosen, self._standards)
        if judged.is_foreign:
            return CheckResult((), tuple(judged.findings))
        complete = dag_id is None and self._standards.reader is not None
        taken = {one.file: one for variant in chosen for one in variant.effective.templates}
        texts = [*taken.values(), *documents]
        diagnostics = once(ignore_comments.silenced(judged.findings, texts, report_unused=complete))
        sound = [True] * len(chosen)
        if has_errors(diagnostics) or any(model is None for model in judged.models):
            sound = _without_errors(judged, diagnostics) or [False] * len(chosen)
        text, folder = documents[-1].text, self._standards.folder
        pipelines = (
            CheckedPipeline(variant.dag_id, path, folder, text, model)
            if isinstance(model, Pipeline)
            else CheckedDagFactoryDag(variant.dag_id, path, folder, text, model)
            for variant, model, is_sound in zip(chosen, judged.models, sound, strict=True)
            if is_sound
        )
        return CheckResult(tuple(pipelines), diagnostics)


def _without_errors(judged: Judged, diagnostics: Sequence[Diagnostic]) -> list[bool]:
    """Of each DAG of a file whether it has no errors; empty where an error is not one DAG's."""
    errors = {_place(found) for found in diagnostics if has_errors((found,))}
    apart = [{_place(found) for found in findings} for findings in judged.apart]
    return [errors.isdisjoint(places) for places in apart] if errors <= set().union(*apart) else []


def _place(found: Diagnostic) -> tuple[object, ...]:
    return (found.code, found.file, found.span, found.message)


def check_folder(folder: Path, options: CheckOptions | None = None) -> CheckResult:
    """Check all pipelines of a folder."""
    return Checker(folder, options).folder()


def check_file(folder: Path, path: str, options: CheckOptions | None = None) -> CheckResult:
    """Check one pipeline by its POSIX path below the folder; DAG ids of other files are not looked at."""
    return Checker(folder, options).file(path)


def check_text(text: str, path: str = "text.yaml", folder: Path | None = None) -> CheckResult:
    """Check a text as if it were the file at `path` below `folder` (default: the working directory's `pipelines`)."""
    return Checker(folder if folder is not None else Path("pipelines")).text(text, path)


def check_failed(place: str, what: str, error: Exception) -> Diagnostic:
    """The finding that checking `what` of `place` raised `error`, whose traceback goes to the log."""
    import logging  # noqa: PLC0415 # each start of lint would pay for it

    logging.getLogger(__name__).error("%s could not be checked", place, exc_info=error)
    message = f"checking {what} failed: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    help_text = "this is a bug in pipeline-factory, not in the file: please report it with the traceback"
    return Diagnostic(Code.CHECK_FAILED, message, place, Span(1, 1, 1, 2), help=help_text)
