"""Path or text → CheckResult: the one way into the language, for lint and for the build."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from schemas.check.judge import Judge
from schemas.check.layers import LayerReader, is_dag_factory, unusable
from schemas.check.result import CheckedDagFactoryDag, CheckedPipeline, CheckResult
from schemas.compose.merging import declaration_findings, declared, not_checked
from schemas.compose.variants import Variant, in_environments, said_once, variants
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, Span, has_errors, once
from schemas.folder.discovery import (
    default_dag_id,
    is_pipeline_path,
    misnamed_paths,
    pipeline_paths,
    unused_dag_factory_defaults,
)
from schemas.folder.project import ENVIRONMENT_VARIABLE
from schemas.rules import assets, dag_ids, dialect, poll_state
from schemas.rules.subject import Subject
from schemas.rules.team_policy import Policy
from schemas.source import SourceReader
from schemas.text import ignore_comments
from schemas.text.document import Document


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """How strict a check is and what it may look at.

    `environ` gives `${env.…}` their values. `environment` is the chosen one of a file's `environments`, empty for none;
    without it `PIPELINE_ENVIRONMENT` of `environ` says. `every_environment` also looks for findings in all that a file
    declares. `require_environment` makes an unset variable an error. `read_sources` holds `uses` and `with` against
    the source they name; a task start does without, its version was checked before. `shown_folder` stands for the
    pipelines folder in diagnostics. `texts` stand in place of what the folder's files hold, by path below it: what an
    editor has not saved yet, or what a fix would write. `policy` is for lint: the build knows none.
    """

    environ: Mapping[str, str] | None = None
    environment: str | None = None
    every_environment: bool = False
    require_environment: bool = False
    read_sources: bool = True
    shown_folder: str = "pipelines"
    policy: Policy | None = None
    texts: Mapping[str, bytes] = field(default_factory=dict, repr=False)


class Checker:
    """Checks files of one pipelines folder; each file is read once in a checker's life."""

    def __init__(self, folder: Path, options: CheckOptions | None = None) -> None:
        self._folder = folder
        self._options = options if options is not None else CheckOptions()
        self._environ = os.environ if self._options.environ is None else self._options.environ
        chosen = self._options.environment
        self._environment = (self._environ.get(ENVIRONMENT_VARIABLE) if chosen is None else chosen) or None
        self._layers = LayerReader(folder, self._options.shown_folder, self._options.texts, self._environ)
        self._reader = SourceReader(folder) if self._options.read_sources else None
        policy, required = self._options.policy, self._options.require_environment
        self._judge = Judge(folder, self._environ, self._reader, policy, require_environment=required)

    @property
    def environ(self) -> Mapping[str, str]:
        """What gives `${env.…}` their values."""
        return self._environ

    @property
    def environment(self) -> str | None:
        """The chosen environment."""
        return self._environment

    def file(self, path: str, dag_id: str | None = None) -> CheckResult:
        """Check one pipeline by its POSIX path below the folder; where `dag_id` is given, only that DAG of it.

        Where a defect of ours keeps it from being checked, that is the finding: no other file waits.
        """
        try:
            return self._file(path, dag_id)
        except Exception as error:
            return CheckResult((), (check_failed(self._layers.shown(path), "it", error),))

    def _file(self, path: str, dag_id: str | None) -> CheckResult:
        document = self._layers.document(path)
        if document is None:
            missing = Diagnostic(Code.UNREADABLE, "there is no such file", self._layers.shown(path), Span(1, 1, 1, 2))
            return CheckResult((), (missing,))
        return self._result(path, document, dag_id)

    def text(self, text: str, path: str) -> CheckResult:
        """Check a text as if it stood at `path` below the folder."""
        return self._result(path, self._layers.parse(text, self._layers.shown(path)), None)

    def folder(self) -> CheckResult:
        """Check every pipeline of the folder, and what files are to each other."""
        results = {path: self.file(path) for path in self._paths()}
        failed = {path for path, r in results.items() if any(d.code is Code.CHECK_FAILED for d in r.diagnostics)}
        claims = {path: self.claims(path) for path in results if path not in failed}
        conflicts = dag_ids.conflicts(claims)
        findings = [d for result in results.values() for d in result.diagnostics]
        ours = [path for path in claims if not self.dialect(path)]
        findings += self._guarded(self._misnamed)
        findings += self._guarded(lambda: self._other_dags(claims))
        findings += self._guarded(lambda: self._unused_defaults(results))
        findings += self._guarded(lambda: assets.across(self._holding(ours, assets.MARKS)))
        findings += self._guarded(lambda: poll_state.across(self._holding(ours, poll_state.MARKS)))
        findings += [self.duplicate(path, *claim) for path, claims in conflicts.items() for claim in claims]
        pipelines = [pipeline for path, r in results.items() if path not in conflicts for pipeline in r.pipelines]
        return CheckResult(tuple(pipelines), once(findings))

    def _guarded(self, rule: Callable[[], Iterable[Diagnostic]]) -> Sequence[Diagnostic]:
        """What a rule across files finds. A defect of ours in it takes nothing else away, as in `file`."""
        try:
            return tuple(rule())
        except Exception as error:
            return (check_failed(self._options.shown_folder or ".", "its files beside each other", error),)

    def _unused_defaults(self, paths: Iterable[str]) -> Iterator[Diagnostic]:
        for path in unused_dag_factory_defaults(self._folder, {path: self.dialect(path) for path in paths}):
            message = "these are dag-factory's defaults, and none of its documents is beside or below them"
            help_text, severity = "defaults of pipelines are in `_defaults.yaml`", Code.DEFAULTS_OF_NOTHING.severity
            place, span = self._layers.shown(path), Span(1, 1, 1, 2)
            yield Diagnostic(Code.DEFAULTS_OF_NOTHING, message, place, span, help=help_text, severity=severity)

    def _misnamed(self) -> Iterator[Diagnostic]:
        for path, meant in misnamed_paths(self._folder):
            message = f"a file of this name is not read: call it `{meant}`"
            yield Diagnostic(Code.MISNAMED_FILE, message, self._layers.shown(path), Span(1, 1, 1, 2))

    def _other_dags(self, claims: Mapping[str, Sequence[str]]) -> Iterator[Diagnostic]:
        known = frozenset(dag_id for dag_ids_of_file in claims.values() for dag_id in dag_ids_of_file)
        for subject in self._holding(claims, dag_ids.MARKS_OF_OTHERS):
            yield from dag_ids.check_other_dags(subject, known)

    def _holding(self, paths: Iterable[str], marks: Sequence[str]) -> Iterator[Subject]:
        """The DAGs of the files that hold one of these words, or whose defaults do."""
        for path in paths:
            document = self._layers.document(path)
            if document is not None and any(d.may_hold(*marks) for d in self._documents(path, document)):
                yield from (Subject(path, variant.effective) for variant in self.variants(path))

    def _paths(self) -> Iterable[str]:
        texts = [path for path in self._options.texts if is_pipeline_path(path)]
        paths = pipeline_paths(self._folder)
        return sorted({*paths, *texts}) if texts else paths

    def variants(self, path: str) -> tuple[Variant, ...]:
        """The DAGs of a file, be they sound or not; none where it or a default above it cannot be read."""
        document = self._layers.document(path)
        if document is None:
            return ()
        documents = self._documents(path, document)
        return () if unusable(documents) else self._variants(path, documents)

    def dialect(self, path: str) -> str:
        """Whose language a file is written in; empty for this project's, and where it cannot be read."""
        document = self._layers.document(path)
        return document.dialect if document is not None else ""

    def environments(self) -> tuple[str, ...]:
        """The names of all environments that pipelines of the folder, or defaults above them, declare."""
        return tuple(dict.fromkeys(name for path in self._paths() for name in self.environments_of(path)))

    def environments_of(self, path: str) -> tuple[str, ...]:
        """The names of the environments that one pipeline, or the defaults above it, declare."""
        layers = (*self._layers.defaults(path), self._layers.document(path))
        return declared(layer for layer in layers if layer is not None)

    def dag_ids(self, path: str) -> tuple[str, ...]:
        """The DAG ids that a file claims, be it sound or not."""
        document = self._layers.document(path)
        if document is not None and is_dag_factory(document):
            from schemas.dagfactory.merging import dag_ids as ids_of  # noqa: PLC0415 # most folders hold no such file

            return ids_of(document.data)
        written = document.data.get("dag_id") if document is not None and isinstance(document.data, dict) else None
        if self._environment is None and "${" not in str(written):
            return (written if isinstance(written, str) else default_dag_id(path),)
        return tuple(dict.fromkeys(variant.dag_id for variant in self._readable(path)))

    def claims(self, path: str) -> tuple[str, ...]:
        """The DAG ids that a file is sure to claim: none while it cannot be read."""
        document = self._layers.document(path)
        return self.dag_ids(path) if document is not None and isinstance(document.data, dict) else ()

    def duplicate(self, path: str, dag_id: str, others: Iterable[str]) -> Diagnostic:
        """The finding that a file's DAG id is claimed by others, too."""
        return dag_ids.finding(self.subject(path, dag_id), dag_id, [self._layers.shown(other) for other in others])

    def subject(self, path: str, dag_id: str) -> Subject:
        """What rules see of a file's DAG; of a file that cannot be read, an empty document."""
        found = self._readable(path)
        return Subject(path, next((v for v in found if v.dag_id == dag_id), found[0]).effective)

    def _readable(self, path: str) -> tuple[Variant, ...]:
        """A file's DAGs, at least one, made of what can be read."""
        document = self._layers.document(path) or Document(self._layers.shown(path), "")
        layers = [d for d in self._documents(path, document) if isinstance(d.data, dict)]
        return self._variants(path, layers or [Document(document.file, "")])

    def _documents(self, path: str, document: Document) -> list[Document]:
        """The defaults that hold for a file, then its own document."""
        if is_dag_factory(document):
            return [*self._layers.dag_factory_defaults(path), document]
        return [*self._layers.defaults(path), document]

    def _variants(self, path: str, documents: Sequence[Document], dag_id: str | None = None) -> tuple[Variant, ...]:
        if is_dag_factory(documents[-1]):
            from schemas.dagfactory.checking import dag_variants  # noqa: PLC0415 # most folders hold no such file

            return tuple(v for v in dag_variants(path, documents) if dag_id is None or v.dag_id == dag_id)
        return variants(path, documents, self._environment, dag_id)

    def _result(self, path: str, document: Document, dag_id: str | None) -> CheckResult:
        layers = self._documents(path, document)
        keeping = unusable(layers)
        result = CheckResult((), ()) if keeping else self._checked(path, layers, dag_id)
        if not keeping and (dag_id is not None or not result.has_errors):
            return result
        from schemas.check.behind_errors import behind_reading, behind_typos  # noqa: PLC0415 # most files are right

        def findings(others: Sequence[Document]) -> Sequence[Diagnostic]:
            return self._checked(path, others, None).diagnostics

        def with_hidden(others: Sequence[Document]) -> Iterable[Diagnostic]:
            return behind_typos(others, findings(others), self._layers.parse, findings)

        if keeping:
            return CheckResult((), once(behind_reading(layers, keeping, self._layers.parse, with_hidden)))
        return replace(result, diagnostics=once(behind_typos(layers, result.diagnostics, self._layers.parse, findings)))

    def _checked(self, path: str, layers: Sequence[Document], dag_id: str | None) -> CheckResult:
        document = layers[-1]
        chosen = self._variants(path, layers, dag_id)
        if is_dag_factory(document):
            return self._dag_factory(path, layers, chosen, complete=dag_id is None)
        subjects = [Subject(path, variant.effective) for variant in chosen]
        foreign = tuple(dialect.check(subjects[0])) if subjects else ()
        if foreign:
            return CheckResult((), foreign)
        declaring = list(declaration_findings(layers))
        judged = map(self._judge.judged, subjects)
        looked_at = [(variant, *found) for variant, found in zip(chosen, judged, strict=True)]
        if self._options.every_environment and all(d.code is not Code.TOO_LARGE for d in declaring):
            others = [name for name in declared(layers) if name != self._environment]
            more, left_out = in_environments(path, layers, others)
            looked_at += [(variant, *self._judge.judged(Subject(path, variant.effective))) for variant in more]
            declaring += not_checked(layers, left_out)
        findings = said_once([(variant, found) for variant, _, found in looked_at])
        if len(subjects) > 1:
            findings += poll_state.between_rows(subjects)
        found = once([*declaring, *findings])
        complete = dag_id is None and self._options.read_sources
        diagnostics = once(ignore_comments.silenced(found, layers, report_unused=complete))
        models = [(variant, model) for variant, model, _ in looked_at[: len(chosen)] if model is not None]
        if has_errors(diagnostics) or len(models) < len(chosen):
            return CheckResult((), diagnostics)
        pipelines = (CheckedPipeline(v.dag_id, path, self._folder, document.text, model) for v, model in models)
        return CheckResult(tuple(pipelines), diagnostics)

    def _dag_factory(
        self, path: str, documents: Sequence[Document], chosen: Sequence[Variant], *, complete: bool
    ) -> CheckResult:
        from schemas.dagfactory.checking import findings  # noqa: PLC0415 # most folders hold no such file

        found = once(findings(path, documents, chosen, self._reader))
        if self._options.require_environment:
            found = tuple(replace(d, severity=Severity.ERROR) if d.code is Code.UNSET_VARIABLE else d for d in found)
        unused = complete and self._reader is not None
        diagnostics = once(ignore_comments.silenced(found, documents, report_unused=unused))
        if has_errors(diagnostics):
            return CheckResult((), diagnostics)
        text = documents[-1].text
        dags = (CheckedDagFactoryDag(v.dag_id, path, self._folder, text, v.effective.data) for v in chosen)
        return CheckResult(tuple(dags), diagnostics)


def check_folder(folder: Path, options: CheckOptions | None = None) -> CheckResult:
    """Check all pipelines of a folder."""
    return Checker(folder, options).folder()


def check_file(folder: Path, path: str, options: CheckOptions | None = None) -> CheckResult:
    """Check one pipeline by its POSIX path below the folder; DAG ids of other files are not looked at."""
    return Checker(folder, options).file(path)


def check_text(text: str, path: str = "text.yaml", folder: Path | None = None) -> CheckResult:
    """Check a text as if it stood at `path` below `folder` (default: the working directory's `pipelines`)."""
    return Checker(folder if folder is not None else Path("pipelines")).text(text, path)


def check_failed(place: str, what: str, error: Exception) -> Diagnostic:
    """The finding that checking `what` of `place` raised `error`, whose traceback goes to the log."""
    import logging  # noqa: PLC0415 # each start of lint would pay for it

    logging.getLogger(__name__).error("%s could not be checked", place, exc_info=error)
    message = f"checking {what} failed: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    help_text = "this is a defect of the factory, not of the file: please report it with the traceback"
    return Diagnostic(Code.CHECK_FAILED, message, place, Span(1, 1, 1, 2), help=help_text)
