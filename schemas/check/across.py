"""What the files of a folder are to each other: DAG ids, assets and state names that two of them claim, and more.

For some chosen files the others are not read as YAML: a look at their text says which of them matter.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from schemas.check.files import Files, as_pattern
from schemas.compose.variants import said_once
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, Span
from schemas.folder.dialect import OF_GUSTY
from schemas.folder.discovery import default_dag_id, misnamed_paths, unused_dag_factory_defaults
from schemas.rules import assets, ids, poll_state
from schemas.rules.other_tools import GUSTY
from schemas.rules.subject import Subject

_Rule = Callable[[Iterable[Subject]], Iterable[Diagnostic]]
_Values = Callable[[Iterable[Subject]], Collection[str]]


class Across:
    """The files `paths` of a folder; findings are about those that are `chosen`."""

    def __init__(self, files: Files, paths: Sequence[str], chosen: Collection[str]) -> None:
        self._files = files
        self._paths = paths
        self._chosen = frozenset(chosen)
        self._is_whole = len(self._chosen) == len(self._paths)
        self._conflicts: dict[str | None, Mapping[str, Sequence[tuple[str, tuple[str, ...]]]]] = {}
        self._known: dict[tuple[str, str | None], tuple[Subject, ...]] = {}

    def rules(self) -> Iterator[Callable[[], Iterable[Diagnostic]]]:
        """The rules, each to be called on its own: a bug in one hides no finding of another."""
        yield self._misnamed
        yield self._other_dags
        yield self._unused_defaults
        yield lambda: self._shared(assets.across, assets.shared_words, assets.MARKS)
        yield lambda: self._shared(poll_state.across, poll_state.shared_words, poll_state.MARKS)
        yield self._duplicates

    def conflicts(self, environment: str | None) -> Mapping[str, Sequence[tuple[str, tuple[str, ...]]]]:
        """The chosen files whose DAG ids others claim: path → (DAG id, the others)."""
        if environment not in self._conflicts:
            claims = {path: self._files.claims_in(path, environment) for path in self._claimants}
            found = ids.conflicts(claims)
            self._conflicts[environment] = {path: found[path] for path in found if path in self._chosen}
        return self._conflicts[environment]

    @cached_property
    def _claimants(self) -> Sequence[str]:
        """The chosen files, and others that may claim one of their DAG ids in some environment."""
        if self._is_whole:
            return self._paths
        own = {
            dag_id
            for path in self._chosen
            for environment in (self._files.environment, *self._files.environments_of(path))
            for dag_id in self._files.claims_in(path, environment)
        }

        def may_claim(path: str) -> bool:
            possible = self._files.possible_dag_ids(path)
            return possible is None or not own.isdisjoint(possible)

        return [path for path in self._paths if path in self._chosen or may_claim(path)]

    def _duplicates(self) -> Iterable[Diagnostic]:
        def found(environment: str | None) -> Iterator[Diagnostic]:
            for path, claims in self.conflicts(environment).items():
                for dag_id, others in claims:
                    yield self._files.duplicate(path, dag_id, others, environment)

        return self._in_each_environment(self._claimants, found)

    def _shared(self, rule: _Rule, words_of: _Values, marks: Sequence[str]) -> Iterable[Diagnostic]:
        """Findings of a rule about what two files name; `words_of` gives the names that a file uses."""

        def is_meant(path: str) -> bool:
            return self._files.has_mark(path, marks) and not self._files.dialect(path)

        paths = [path for path in self._paths if path in self._chosen and is_meant(path)]
        if not self._is_whole:
            environments = (self._files.environment, *self._environments(paths))
            words = words_of(s for path in paths for one in environments for s in self._subjects(path, one))
            paths = sorted([*paths, *filter(is_meant, self._sharing(words))]) if words else []
        return self._in_each_environment(
            paths, lambda environment: rule(s for path in paths for s in self._subjects(path, environment))
        )

    def _sharing(self, words: Collection[str]) -> Iterator[str]:
        """The files beside the chosen ones that may hold one of these words, as far as their texts tell."""
        pattern = as_pattern(words)
        for path in self._paths:
            # Names of states are made of DAG ids, which the path may give.
            may_share = default_dag_id(path) in words or self._files.may_hold(path, pattern)
            if may_share and path not in self._chosen:
                yield path

    def _in_each_environment(
        self, paths: Iterable[str], rule: Callable[[str | None], Iterable[Diagnostic]]
    ) -> Iterable[Diagnostic]:
        """What a rule finds in any environment of these files, said once."""
        environments = [self._files.environment, *self._environments(paths)]
        return said_once([((environment, None), list(rule(environment))) for environment in environments])

    def _environments(self, paths: Iterable[str]) -> Sequence[str]:
        """The environments that are checked beside the chosen one."""
        if not self._files.options.every_environment:
            return ()
        names = dict.fromkeys(name for path in paths for name in self._files.environments_of(path))
        return [name for name in names if name != self._files.environment]

    def _subjects(self, path: str, environment: str | None) -> tuple[Subject, ...]:
        if environment is not None and environment not in self._files.environments_of(path):
            environment = None
        if (path, environment) not in self._known:
            found = self._files.variants_in(path, environment)
            if self._files.dialect(path):
                from schemas.dagfactory.language import as_others_see  # noqa: PLC0415 # most folders hold no such file

                self._known[path, environment] = tuple(as_others_see(path, variant) for variant in found)
            else:
                self._known[path, environment] = tuple(Subject(path, variant.effective) for variant in found)
        return self._known[path, environment]

    def _other_dags(self) -> Iterable[Diagnostic]:
        marks = ids.MARKS
        naming = [path for path in self._paths if path in self._chosen and self._files.has_mark(path, marks)]

        def found(environment: str | None) -> Iterator[Diagnostic]:
            known = {dag_id: path for path in self._paths for dag_id in self._probable_ids(path, environment)}

            def pipeline(dag_id: str) -> Subject | None:
                path = known[dag_id]
                rows = self._subjects(path, environment)
                if self._files.dialect(path):  # of several DAGs in one file
                    rows = tuple(row for row in rows if row.data["dag_id"] == dag_id)
                return rows[0] if len(rows) == 1 else None

            for path in naming:
                for subject in self._subjects(path, environment):
                    for one in ids.check_other_dags(subject, known, pipeline):
                        # dag-factory builds what only fails in a run, and has no `run_if`.
                        is_ours, help_text = not self._files.dialect(path), "" if "`run_if`" in one.help else one.help
                        yield one if is_ours else replace(one, severity=Severity.WARNING, help=help_text)

        return self._in_each_environment(naming, found) if naming else ()

    def _probable_ids(self, path: str, environment: str | None) -> Collection[str]:
        """The DAG ids of a file; of one that cannot be read, the one that it would have."""
        possible = None if path in self._chosen else self._files.possible_dag_ids(path)
        return possible or self._files.claims_in(path, environment) or (default_dag_id(path),)

    def _unused_defaults(self) -> Iterator[Diagnostic]:
        for path in unused_dag_factory_defaults(self._files.folder_path, self._paths, self._files.dialect):
            message = "these are dag-factory's defaults, and none of its documents is beside or below them"
            help_text, severity = "defaults of pipelines are in `_defaults.yaml`", Code.DEFAULTS_OF_NOTHING.severity
            place, span = self._files.layers.shown(path), Span(1, 1, 1, 2)
            yield Diagnostic(Code.DEFAULTS_OF_NOTHING, message, place, span, help=help_text, severity=severity)

    def _misnamed(self) -> Iterator[Diagnostic]:
        for path, remedy in misnamed_paths(self._files.folder_path):
            code, message = Code.MISNAMED_FILE, f"a file of this name is not read: {remedy}"
            if remedy == OF_GUSTY:
                code, message = Code.FOREIGN_DIALECT, "this is a task of gusty, not this project's"
            help_text = GUSTY if remedy == OF_GUSTY else ""
            yield Diagnostic(code, message, self._files.layers.shown(path), Span(1, 1, 1, 2), help=help_text)
