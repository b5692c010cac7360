"""One DAG's effective document → its model, and all that the language and its rules say of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from schemas.compose.env_values import HiddenValues, Resolved, resolve_environment
from schemas.findings.diagnostics import Diagnostic, bounded
from schemas.model.pipeline import Pipeline
from schemas.rules import RULES, SOURCE_RULES, look_alikes, named_files
from schemas.rules import expressions as expression_rule
from schemas.rules import policy as policy_rule
from schemas.rules.subject import Subject
from schemas.rules.team_policy import Policy
from schemas.shape.validation import validate
from schemas.source import SourceReader


@dataclass(frozen=True, slots=True)
class Judge:
    """What DAGs are held against: the values of `environ`, the sources that `reader` finds (None: they are not asked)
    and a `policy`, if there is one."""

    folder: Path
    environ: Mapping[str, str]
    reader: SourceReader | None
    policy: Policy | None
    require_environment: bool

    def judged(self, subject: Subject) -> tuple[Pipeline | None, list[Diagnostic]]:
        """The model, where the shape is right, and the findings."""
        same = not subject.may_hold("${env", "$${")
        resolved = Resolved(subject.data, frozenset()) if same else resolve_environment(subject.data, self.environ)
        with_values = subject if same else Subject(subject.path, replace(subject.effective, data=resolved.data))
        by_path = expression_rule.check(subject, resolved.unset, require_environment=self.require_environment)
        findings = list(bounded(finding for group in by_path.values() for finding in group))
        pipeline, problems = validate(resolved.data)
        # What is wrong with a key is not said by what is wrong with the expression behind it.
        findings += bounded(subject.said(p) for p in problems if p.at_key or p.path not in by_path)
        findings += self._of_rules(with_values)
        if not same:
            hidden = HiddenValues(resolved.data)
            findings = [hidden.of(finding) for finding in findings]
        if subject.effective.has_rows:
            findings = _of_first_rows(findings)
        return pipeline, look_alikes.without_echoes(findings)

    def _of_rules(self, subject: Subject) -> list[Diagnostic]:
        findings: list[Diagnostic] = []
        for rule in RULES:
            findings += bounded(rule(subject))
        if self.policy is not None:
            findings += bounded(policy_rule.check(subject, self.policy))
        if self.reader is not None:
            for source_rule in SOURCE_RULES:
                findings += bounded(source_rule(subject, self.reader))
            findings += bounded(named_files.check(subject, self.folder))
        return findings


def _of_first_rows(findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    """One of those that name several rows of a task's matrix and are about one place of the text."""
    return list({(d.file, d.span, d.code): d for d in reversed(list(findings))}.values())[::-1]
