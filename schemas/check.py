"""Path or text → CheckResult: the one way into the language, for lint and for the build."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from schemas.codes import Code
from schemas.compose import Effective, compose
from schemas.diagnostics import Diagnostic, Span, has_errors
from schemas.discovery import (
    default_dag_id,
    defaults_paths,
    is_defaults_path,
    is_pipeline_path,
    path_problem,
    pipeline_paths,
)
from schemas.document import Document, document_from_bytes, document_from_text, read_document
from schemas.environment import Resolved, resolve_environment
from schemas.pipeline import Pipeline
from schemas.result import CheckedPipeline, CheckResult
from schemas.rules import RULES, dag_ids, dialect, look_alikes, named_files
from schemas.rules import code as code_rule
from schemas.rules import expressions as expression_rule
from schemas.shape import validate
from schemas.source import SourceReader
from schemas.subject import Subject


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """How strict a check is and what it may look at.

    `environ` gives `${env.…}` their values. `require_environment` makes an unset variable an error. `read_sources`
    holds `uses` and `with` against the source they name; a task start does without, its version was checked before.
    `shown_folder` stands for the pipelines folder in diagnostics. `texts` stand in place of what the folder's files
    hold, by path below it: what an editor has not saved yet, or what a fix would write.
    """

    environ: Mapping[str, str] | None = None
    require_environment: bool = False
    read_sources: bool = True
    shown_folder: str = "pipelines"
    texts: Mapping[str, bytes] = field(default_factory=dict, repr=False)


class Checker:
    """Checks files of one pipelines folder; each file is read once in a checker's life."""

    def __init__(self, folder: Path, options: CheckOptions | None = None) -> None:
        self._folder = folder
        self._options = options if options is not None else CheckOptions()
        self._environ = os.environ if self._options.environ is None else self._options.environ
        self._documents: dict[str, Document | None] = {}
        self._reader = SourceReader(folder)

    @property
    def environ(self) -> Mapping[str, str]:
        """What gives `${env.…}` their values."""
        return self._environ

    def file(self, path: str) -> CheckResult:
        """Check one pipeline by its POSIX path below the folder."""
        document = self._document(path)
        if document is None:
            missing = Diagnostic(Code.UNREADABLE, "there is no such file", self._shown(path), Span(1, 1, 1, 2))
            return CheckResult((), (missing,))
        return self._result(path, document)

    def text(self, text: str, path: str) -> CheckResult:
        """Check a text as if it stood at `path` below the folder."""
        return self._result(path, document_from_text(text, self._shown(path)))

    def folder(self) -> CheckResult:
        """Check every pipeline of the folder, and DAG ids across files."""
        results = {path: self.file(path) for path in self._paths()}
        claims = {path: dag_id for path in results for dag_id in self.claims(path)}
        conflicts = dag_ids.conflicts(claims)
        findings = [d for result in results.values() for d in result.diagnostics]
        findings += [self.duplicate(path, dag_id, others) for path, (dag_id, others) in conflicts.items()]
        pipelines = [pipeline for path, r in results.items() if path not in conflicts for pipeline in r.pipelines]
        return CheckResult(tuple(pipelines), _sorted(findings))

    def _paths(self) -> Iterable[str]:
        texts = [path for path in self._options.texts if is_pipeline_path(path)]
        paths = pipeline_paths(self._folder)
        return sorted({*paths, *texts}) if texts else paths

    def dag_id(self, path: str) -> str:
        """The DAG id that a file claims, be it sound or not."""
        document = self._document(path)
        written = document.data.get("dag_id") if document is not None and isinstance(document.data, dict) else None
        return written if isinstance(written, str) else default_dag_id(path)

    def claims(self, path: str) -> tuple[str, ...]:
        """The DAG ids that a file is sure to claim: none while it cannot be read."""
        document = self._document(path)
        return (self.dag_id(path),) if document is not None and isinstance(document.data, dict) else ()

    def duplicate(self, path: str, dag_id: str, others: Iterable[str]) -> Diagnostic:
        """The finding that a file's DAG id is claimed by others, too."""
        return dag_ids.finding(self.subject(path), dag_id, [self._shown(other) for other in others])

    def subject(self, path: str) -> Subject:
        """What rules see of a file; of one that cannot be read, an empty document."""
        return self._subject(path, self._document(path))

    def effective(self, path: str) -> Effective | None:
        """A file's effective document; None where it or a default above it cannot be read."""
        document = self._document(path)
        if document is None or self._unusable([*self._defaults(path), document]):
            return None
        return compose([*self._defaults(path), document])

    def _result(self, path: str, document: Document) -> CheckResult:
        defaults = self._defaults(path)
        unusable = self._unusable([*defaults, document])
        if unusable:
            return CheckResult((), _sorted(unusable))
        subject = self._subject(path, document)
        foreign = tuple(dialect.check(subject))
        if foreign:
            return CheckResult((), foreign)
        pipeline, findings = self._findings(subject)
        diagnostics = _sorted(findings)
        if pipeline is None or has_errors(diagnostics):
            return CheckResult((), diagnostics)
        dag_id = pipeline.dag_id if pipeline.dag_id is not None else default_dag_id(path)
        checked = CheckedPipeline(dag_id, path, self._folder, document.text, pipeline)
        return CheckResult((checked,), diagnostics)

    def _findings(self, subject: Subject) -> tuple[Pipeline | None, list[Diagnostic]]:
        same = not subject.may_hold("${env", "$${")
        resolved = Resolved(subject.data, frozenset()) if same else resolve_environment(subject.data, self._environ)
        with_values = subject if same else Subject(subject.path, replace(subject.effective, data=resolved.data))
        by_path = expression_rule.check(subject, resolved.unset, require_environment=self._options.require_environment)
        findings = [finding for group in by_path.values() for finding in group]
        pipeline, problems = validate(resolved.data)
        findings += [
            subject.finding(
                p.code,
                p.path,
                p.message,
                at_key=p.at_key,
                caret=p.caret,
                help=p.help,
                allowed=p.allowed,
                replacement=p.replacement,
            )
            for p in problems
            if p.path not in by_path
        ]
        for rule in RULES:
            findings += rule(with_values)
        if self._options.read_sources:
            findings += code_rule.check(with_values, self._reader)
            findings += named_files.check(with_values, self._folder)
        return pipeline, look_alikes.without_echoes(findings)

    def _unusable(self, documents: Iterable[Document]) -> list[Diagnostic]:
        """What keeps documents from being merged."""
        documents = list(documents)
        findings = [d for document in documents for d in document.diagnostics]
        for document in documents:
            if not document.diagnostics and not isinstance(document.data, dict | None):
                findings.append(_not_a_mapping(document))
        last = documents[-1]
        if last.data is None and not last.diagnostics:
            message = "the file is empty: a pipeline needs `poll` or `tasks`"
            findings.append(Diagnostic(Code.EMPTY_FILE, message, last.file, Span(1, 1, 1, 2), text=last.text))
        return findings

    def _defaults(self, path: str) -> list[Document]:
        found = (self._document(place) for place in defaults_paths(path))
        return [document for document in found if document is not None]

    def _subject(self, path: str, document: Document | None) -> Subject:
        layers = [d for d in (*self._defaults(path), document) if d is not None and isinstance(d.data, dict)]
        return Subject(path, compose(layers or [Document(self._shown(path), "")]))

    def _document(self, path: str) -> Document | None:
        if path not in self._documents:
            self._documents[path] = self._read(path)
        return self._documents[path]

    def _read(self, path: str) -> Document | None:
        place, shown = self._folder / path, self._shown(path)
        if path in self._options.texts:
            return document_from_bytes(self._options.texts[path], shown)
        if not os.path.lexists(place) or (is_defaults_path(path) and os.path.isdir(place)):  # noqa: PTH112 # never raises
            return None
        problem = path_problem(self._folder, path)
        if problem is None:
            return read_document(place, shown)
        return Document(shown, "", diagnostics=(Diagnostic(Code.UNREADABLE, f"it {problem}", shown, Span(1, 1, 1, 2)),))

    def _shown(self, path: str) -> str:
        return f"{self._options.shown_folder}/{path}" if self._options.shown_folder else path


def check_folder(folder: Path, options: CheckOptions | None = None) -> CheckResult:
    """Check all pipelines of a folder."""
    return Checker(folder, options).folder()


def check_file(folder: Path, path: str, options: CheckOptions | None = None) -> CheckResult:
    """Check one pipeline by its POSIX path below the folder; DAG ids of other files are not looked at."""
    return Checker(folder, options).file(path)


def check_text(text: str, path: str = "text.yaml", folder: Path | None = None) -> CheckResult:
    """Check a text as if it stood at `path` below `folder` (default: the working directory's `pipelines`)."""
    return Checker(folder if folder is not None else Path("pipelines")).text(text, path)


def _not_a_mapping(document: Document) -> Diagnostic:
    kind = "a list" if isinstance(document.data, list) else "a single value"
    colon = isinstance(document.data, str) and ":" in document.data
    return Diagnostic(
        Code.WRONG_TYPE,
        f"the file must be a mapping (`key: value` lines), not {kind}",
        document.file,
        document.value_span(()),
        caret="is a space missing behind the `:`?" if colon else "",
        text=document.text,
    )


def _sorted(findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """By file and place, each finding once: defaults are part of many files, and `<<` brings a key to many mappings."""
    once: dict[tuple[object, ...], Diagnostic] = {}
    for finding in sorted(findings, key=lambda d: d.sort_key):
        message = "" if finding.code is Code.UNKNOWN_KEY else finding.message
        once.setdefault((finding.file, finding.span, finding.code, message), finding)
    return tuple(once.values())
