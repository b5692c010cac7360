"""This project's own language as `check` asks for it, and which language a document is written in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from schemas.compose.env_values import HiddenValues, Resolved, resolve_environment
from schemas.compose.merging import declaration_findings, declared, not_checked, overlay_of
from schemas.compose.variants import Variant, in_environments, said_once, variants
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, bounded, once
from schemas.findings.paths import DataPath, task_path
from schemas.folder.discovery import default_dag_id
from schemas.model.pipeline import Pipeline
from schemas.rules import (
    RULES,
    SOURCE_RULES,
    Judged,
    Language,
    Standards,
    dialect,
    poll_state,
    rules_of_built_ins,
    template_files,
)
from schemas.rules import expressions as expression_rule
from schemas.rules.subject import Subject
from schemas.shape import validate
from schemas.text.document import Document

if TYPE_CHECKING:
    from schemas.folder.project import Templates


def language_of(document: Document) -> Language:
    """The language that a document is written in."""
    if not document.dialect:
        return LANGUAGE
    from schemas.dagfactory.language import LANGUAGE as DAG_FACTORY  # noqa: PLC0415 # most folders hold no such file

    return DAG_FACTORY


class Pipelines:
    """See `schemas.rules.Language`; a model is a `Pipeline`."""

    def dag_ids(self, path: str, document: Document, environment: str | None) -> tuple[str, ...] | None:
        """The id that is written, or the path's."""
        data = document.data if isinstance(document.data, dict) else {}
        written = data.get("dag_id")
        if "${" in str(written) or "dag_id" in overlay_of(document, environment):
            return None
        return (written if isinstance(written, str) else default_dag_id(path),)

    def variants(
        self,
        path: str,
        documents: Sequence[Document],
        environment: str | None,
        dag_id: str | None = None,
        templates: Templates | None = None,
    ) -> tuple[Variant, ...]:
        """One, or one for each row of `matrix`."""
        return variants(path, documents, environment, dag_id, templates)

    def judged(
        self, path: str, documents: Sequence[Document], chosen: Sequence[Variant], standards: Standards
    ) -> Judged:
        """The models, and the findings in each environment that is to be checked."""
        subjects = [Subject(path, variant.effective) for variant in chosen]
        foreign = tuple(dialect.check_dialect(subjects[0])) if subjects else ()
        if foreign:
            return Judged(foreign, [None] * len(chosen), is_foreign=True)
        declaring = list(declaration_findings(documents))
        judged = [judged_alone(subject, standards) for subject in subjects]
        found = [((v.environment, v.row), findings) for v, (_, findings) in zip(chosen, judged, strict=True)]
        if standards.every_environment and all(d.code is not Code.TOO_LARGE for d in declaring):
            others = [name for name in declared(documents) if name != standards.environment]
            more, left_out = in_environments(path, documents, others, standards.templates)
            found += [((v.environment, v.row), judged_alone(Subject(path, v.effective), standards)[1]) for v in more]
            declaring += not_checked(documents, left_out)
        findings = said_once(found)
        if len(subjects) > 1:
            findings += poll_state.between_rows(subjects)
        return Judged(once([*declaring, *findings]), [model for model, _ in judged])


LANGUAGE = Pipelines()


def judged_alone(subject: Subject, standards: Standards) -> tuple[Pipeline | None, list[Diagnostic]]:
    """One DAG's model, where the shape is right, and the findings."""
    same = not subject.may_hold("${env", "$${")
    resolved = Resolved(subject.data, frozenset()) if same else resolve_environment(subject.data, standards.environ)
    with_values = subject if same else Subject(subject.path, replace(subject.effective, data=resolved.data))
    by_path = expression_rule.check(subject, resolved.unset, require_environment=standards.require_environment)
    findings = list(bounded(finding for group in by_path.values() for finding in group))
    pipeline, problems = validate(with_values.effective)
    # What is wrong with a key is not said by what is wrong with the expression behind it.
    findings += bounded(subject.said(p) for p in problems if p.at_key or p.path not in by_path)
    findings += _of_rules(with_values, standards)
    if not same:
        hidden = HiddenValues(resolved.data)
        findings = [hidden.of(finding) for finding in findings]
    if subject.effective.has_rows:
        findings = _of_first_rows(findings, subject)
    return pipeline, expression_rule.without_echoes(findings)


def _of_rules(subject: Subject, standards: Standards) -> list[Diagnostic]:
    findings: list[Diagnostic] = []
    built_ins = rules_of_built_ins(subject, are_costly=standards.reader is not None, warn=not standards.only_errors)
    for rule in (*RULES, *built_ins):
        findings += bounded(rule(subject))
    if standards.policy is not None:
        from schemas.rules import policy as policy_rule  # noqa: PLC0415 # few folders have one

        findings += bounded(policy_rule.check(subject, standards.policy))
    if standards.reader is not None:
        for source_rule in SOURCE_RULES:
            findings += bounded(source_rule(subject, standards.reader))
        findings += bounded(template_files.check(subject, standards.reader))
    return findings


def _of_first_rows(findings: Iterable[Diagnostic], subject: Subject) -> list[Diagnostic]:
    """Of findings that several rows of a task's matrix have at one place of the text, those of the first row."""
    rows: dict[tuple[object, ...], DataPath] = {}
    kept: list[Diagnostic] = []
    for finding in findings:
        row = task_path(finding.path)
        written = subject.effective.place.at(row)
        place = (finding.file, finding.span, finding.code, written.layer, written.path)
        if not row or rows.setdefault(place, row) == row:
            kept.append(finding)
    return kept
