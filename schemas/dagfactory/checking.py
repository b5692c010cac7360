"""The DAGs of a dag-factory document, and every finding in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schemas.compose.effective import Effective
from schemas.compose.env_values import HiddenValues
from schemas.compose.variants import Variant
from schemas.dagfactory.dag_view import DagView
from schemas.dagfactory.merging import dag_ids, effective_dags, merged_size
from schemas.dagfactory.reading import DagFactoryDocument, variables
from schemas.dagfactory.rules import RULES, SOURCE_RULES
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, bounded
from schemas.rules import secrets
from schemas.rules.subject import Subject
from schemas.source import SourceReader
from schemas.text.document import Document
from schemas.text.nodes import MAX_NODES


def dag_variants(path: str, documents: Sequence[Document]) -> tuple[Variant, ...]:
    """The DAGs of a file, whose documents are the defaults, then its own; at least one, be it empty."""
    are_too_large = merged_size(documents) > MAX_NODES
    dags = () if are_too_large else effective_dags(documents)
    found = [Variant(path, effective, key=dag_id) for dag_id, effective in dags]
    return tuple(found) or (Variant(path, Effective({}, (documents[-1],))),)


def findings(
    path: str, documents: Sequence[Document], chosen: Sequence[Variant], reader: SourceReader | None
) -> list[Diagnostic]:
    """All findings of a file and of the defaults that hold for it; without a `reader` no source is read."""
    found: list[Diagnostic] = []
    for document in documents:
        found += document.notes if isinstance(document, DagFactoryDocument) else ()
        found += bounded(_dollar_keys(Subject(path, Effective(document.data or {}, (document,)))))
    whole = Subject(path, Effective(documents[-1].data, (documents[-1],)))
    found += bounded(_top(whole))
    if merged_size(documents) > MAX_NODES:
        message = f"the defaults come to more than {MAX_NODES:,} values in all DAGs that take them"
        found.append(whole.finding(Code.TOO_LARGE, (), message))
    for variant in (variant for variant in chosen if variant.key is not None):
        dag = DagView(variant.dag_id, Subject(path, variant.effective))
        hidden = HiddenValues(dag.data if dag.subject.may_hold("$") else {})
        found += map(hidden.of, _of_dag(dag, reader))
    return found


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


def _dollar_keys(whole: Subject) -> Iterator[Diagnostic]:
    """dag-factory expands variables in keys, too; the id of a DAG would differ from machine to machine."""
    if not whole.may_hold("$"):
        return
    waiting: list[tuple[tuple[str | int, ...], object]] = [((), whole.data)]
    while waiting:
        path, value = waiting.pop()
        children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, child in children:
            if isinstance(key, str) and "$" in key and (not path or _holds_variable(key)):
                message = f"the key `{key}` is not expanded here: names do not come from the environment"
                yield whole.finding(Code.EXPRESSION_NOT_ALLOWED, (*path, key), message, at_key=True)
            waiting.append(((*path, key), child))
