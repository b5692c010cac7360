"""dag-factory's language as `check` asks for it: the DAGs of a document, and every finding in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from schemas.compose.effective import Effective
from schemas.compose.env_values import HiddenValues, looks_like_secret
from schemas.compose.variants import Variant
from schemas.dagfactory.dag_view import DagView
from schemas.dagfactory.merging import dag_ids, effective_dags, merged_size
from schemas.dagfactory.reading import VARIABLE, DagFactoryDocument, variable_name, variables
from schemas.dagfactory.rules import RULES, SOURCE_RULES
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, Word, bounded, once
from schemas.rules import Judged, Standards, secrets
from schemas.rules.subject import Subject
from schemas.source import SourceReader
from schemas.text.document import Document
from schemas.text.nodes import MAX_NODES

if TYPE_CHECKING:
    from schemas.folder.templates import Templates

_NAME = re.compile(r"[\w.-]+")


class DagFactory:
    """See `schemas.rules.Language`; environments are this project's, and a model is the merged data."""

    def dag_ids(self, path: str, document: Document, environment: str | None) -> tuple[str, ...]:  # noqa: ARG002
        """The keys at the top."""
        return dag_ids(document.data)

    def variants(
        self,
        path: str,
        documents: Sequence[Document],
        environment: str | None,  # noqa: ARG002 # there are none
        dag_id: str | None = None,
        templates: Templates | None = None,  # noqa: ARG002 # it has none
    ) -> tuple[Variant, ...]:
        """One for each key at the top; without `dag_id` at least one, be it empty."""
        dags = () if merged_size(documents) > MAX_NODES else effective_dags(documents)
        found = [Variant(path, effective, key=key) for key, effective in dags if dag_id in (None, key)]
        is_empty = not found and dag_id is None
        return (Variant(path, Effective({}, (documents[-1],))),) if is_empty else tuple(found)

    def judged(
        self, path: str, documents: Sequence[Document], chosen: Sequence[Variant], standards: Standards
    ) -> Judged:
        """The merged data of the DAGs, and all findings."""
        apart = [tuple(_of_variant(path, one, standards)) for one in chosen]
        found = once([*_findings(path, documents, standards), *(d for findings in apart for d in findings)])
        if standards.require_environment:
            found = tuple(replace(d, severity=Severity.ERROR) if d.code is Code.UNSET_VARIABLE else d for d in found)
        return Judged(found, [variant.effective.data for variant in chosen], apart=apart)


LANGUAGE = DagFactory()


def _findings(path: str, documents: Sequence[Document], standards: Standards) -> Iterator[Diagnostic]:
    """What is said of a file as a whole, and of the defaults that hold for it."""
    for document in documents:
        yield from document.notes if isinstance(document, DagFactoryDocument) else ()
        yield from bounded(_dollar_keys(Subject(path, Effective(document.data or {}, (document,))), standards.environ))
    whole = Subject(path, Effective(documents[-1].data, (documents[-1],)))
    yield from bounded(_top(whole))
    if merged_size(documents) > MAX_NODES:
        message = f"the defaults come to more than {MAX_NODES:,} values in all DAGs that take them"
        yield whole.finding(Code.TOO_LARGE, (), message)


def _of_variant(path: str, variant: Variant, standards: Standards) -> Iterator[Diagnostic]:
    if variant.key is not None:
        dag = DagView(variant.dag_id, Subject(path, variant.effective))
        hidden = HiddenValues(dag.data if dag.subject.may_hold("$") else {})
        yield from map(hidden.of, _of_dag(dag, standards.reader))


def _of_dag(dag: DagView, reader: SourceReader | None) -> Iterator[Diagnostic]:
    for rule in RULES:
        yield from bounded(rule(dag))
    yield from secrets.check_urls(dag.subject)
    if reader is not None:
        for source_rule in SOURCE_RULES:
            yield from bounded(source_rule(dag, reader))


def _top(whole: Subject) -> Iterator[Diagnostic]:
    if "task_groups" in whole.data:
        message = "dag-factory ignores `task_groups` at the top level"
        help_text = "task groups belong in a DAG, or in `default`"
        yield whole.finding(Code.DAG_FACTORY_IGNORES, ("task_groups",), message, at_key=True, help=help_text)
    default = whole.data.get("default")
    if default is not None and not isinstance(default, dict):
        yield whole.finding(Code.WRONG_TYPE, ("default",), "`default` must be a mapping")
    for dag_id in dag_ids(whole.data):
        if not isinstance(whole.data[dag_id], dict):
            message = f"every key at the top is a DAG, and `{dag_id}` is no mapping"
            yield whole.finding(Code.WRONG_TYPE, (dag_id,), message, at_key=True)
    if not dag_ids(whole.data):
        yield whole.finding(Code.MISSING_KEY, (), "the file holds no DAG")


def _holds_variable(key: str) -> bool:
    """Whether somebody may think of a variable: `$ref` is a word of JSON Schema."""
    return any(name == name.upper() for _, name in variables(key))


def _expanded(key: str, environ: Mapping[str, str]) -> Word | None:
    """The key as dag-factory reads it here, where no secret would come into the file."""
    names = [name for _, name in variables(key)]
    if not names or any(name not in environ or looks_like_secret(name) for name in names):
        return None
    text = VARIABLE.sub(lambda match: environ[variable_name(match)], key)
    return Word(text) if _NAME.fullmatch(text) is not None else None


def _dollar_keys(whole: Subject, environ: Mapping[str, str]) -> Iterator[Diagnostic]:
    """dag-factory expands variables in keys, too; the id of a DAG would differ from machine to machine. A key whose
    variables are not set stays as it is with dag-factory, too."""
    if not whole.may_hold("$"):
        return
    waiting: list[tuple[tuple[str | int, ...], object]] = [((), whole.data)]
    while waiting:
        path, value = waiting.pop()
        children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, child in children:
            if isinstance(key, str) and "$" in key and (not path or _holds_variable(key)):
                message = f"the key `{key}` is not expanded here: names do not come from the environment"
                is_set = not path or any(name in environ for _, name in variables(key))
                severity = None if is_set else Severity.WARNING
                place = (*path, key)
                fix = _expanded(key, environ) if is_set else None
                yield whole.finding(
                    Code.EXPRESSION_NOT_ALLOWED, place, message, at_key=True, severity=severity, fix=fix
                )
            waiting.append(((*path, key), child))
