"""dag-factory's language as `check` asks for it: the DAGs of a document, and every finding in it.

A DAG's effective document is merged as dag-factory does it, from the farthest layer to the nearest: defaults files from
the pipelines folder down to the file's own, then `default`, then the DAG. `default_args` of layers unite; other keys
of files replace as a whole, but `tags` unite; `default` is merged below the DAG mapping by mapping
(dag-factory 1.1, `_DagFactory.build_dags`, `utils.merge_configs`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from schemas.compose.effective import Effective, Place
from schemas.compose.env_values import EnvText, HiddenValues, looks_like_secret
from schemas.compose.variants import Variant
from schemas.dagfactory.dag_view import DagView
from schemas.dagfactory.keys import OBJECT_KEYS
from schemas.dagfactory.reading import VARIABLE, DagFactoryDocument, variable_name, variables
from schemas.dagfactory.rules import RULES, SOURCE_RULES
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, Word, bounded, once
from schemas.findings.paths import DataPath, count, walk
from schemas.folder.dialect import NOT_DAGS
from schemas.model.fields import OBJECT
from schemas.rules import Judged, Standards, secrets, settings
from schemas.rules.subject import Subject
from schemas.shape.wording import described
from schemas.source import SourceReader
from schemas.text.document import Document
from schemas.text.nodes import MAX_NODES

if TYPE_CHECKING:
    from schemas.folder.project import Templates

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
    yield from settings.check_null_by_comment(dag.subject)
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
    elif default is not None and not isinstance(default.get("default_args"), dict | None):
        message = f"`default_args` must be a mapping, not {described(default['default_args'])}"
        yield whole.finding(Code.WRONG_TYPE, ("default", "default_args"), message)
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
    waiting: list[tuple[DataPath, object]] = [((), whole.data)]
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


def as_others_see(path: str, variant: Variant) -> Subject:
    """A DAG as a document of this project's language, for rules over several: what it names, whether it is scheduled.
    When it runs is not said, nor what came from the environment."""
    dag = DagView(variant.dag_id, Subject(path, variant.effective)).as_pipeline
    tasks = [
        {**task, "with": {key: one for key, one in task["with"].items() if not _is_hidden(one)}}
        for task in dag.data["tasks"]
    ]
    schedule = dag.data["schedule"]
    is_told = schedule is None or (isinstance(schedule, dict) and "assets" in schedule)
    data = {"dag_id": dag.data["dag_id"], "tasks": tasks, "schedule": schedule if is_told else {OBJECT: "made"}}
    return Subject(path, replace(dag.effective, data=data))


def _is_hidden(value: Any) -> bool:
    return any(isinstance(text, EnvText) for _, text in walk({"": value}).texts)


def dag_ids(data: Any) -> tuple[str, ...]:
    """The ids of a document's DAGs, in its order."""
    return tuple(key for key in data if key not in NOT_DAGS) if isinstance(data, dict) else ()


def merged_size(documents: Sequence[Document]) -> int:
    """How many values the defaults hold, multiplied by the DAGs that take them."""
    *defaults, document = documents
    below = sum(count(layer.data) for layer in defaults) + count(document.data.get("default"))
    return below * len(dag_ids(document.data))


def effective_dags(documents: Sequence[Document]) -> Iterator[tuple[str, Effective]]:
    """Each DAG that is a mapping, with its effective document; the layers are the defaults, then the file."""
    *defaults, document = documents
    from_files = _Merge({}, Place(0))
    for index, layer in enumerate(defaults):
        if isinstance(layer.data, dict):
            from_files.add_defaults_file(layer.data, Place(index))
    default = document.data.get("default")
    own = Place(len(defaults))
    for dag_id in dag_ids(document.data):
        dag = document.data[dag_id]
        if isinstance(dag, dict):
            merge = _Merge(dict(dag), own.part(dag_id))
            merge.add_below(from_files, default if isinstance(default, dict) else {}, own.part("default"))
            yield dag_id, Effective(merge.data, tuple(documents), merge.place)


class _Merge:
    """Data, and the place of each part of it."""

    def __init__(self, data: dict[str, Any], place: Place) -> None:
        self.data = data
        self.place = place

    def add_defaults_file(self, data: dict[str, Any], place: Place) -> None:
        """Put a nearer defaults file over the farther ones."""
        for key, value in data.items():
            known = self.data.get(key)
            if key == "default_args" and isinstance(value, dict) and isinstance(known, dict):
                self.data[key] = {**known, **value}
                self.place = self.place.with_parts(
                    {key: self.place.part(key).with_parts({name: place.at((key, name)) for name in value})}
                )
            elif key == "tags" and isinstance(known, list) and isinstance(value, list):
                self.data[key] = sorted({str(tag) for tag in (*known, *value)})
            else:
                self.data[key] = value
                self.place = self.place.with_parts({key: place.part(key)})

    def add_below(self, from_files: _Merge, default: dict[str, Any], place: Place) -> None:
        """Put the defaults below the DAG's own keys: those of files as wholes, but their `default_args` below those of
        `default`, which is at `place`."""
        for key, value in from_files.data.items():
            if key not in self.data and key != "default_args":
                self.data[key] = value
                self.place = self.place.with_parts({key: from_files.place.part(key)})
        for key, value in default.items():
            if key != "default_args" or value is not None:
                self._below(self.data, (key,), value, place.part(key))
        key, in_default, in_files = "default_args", default.get("default_args"), from_files.data.get("default_args")
        for name, value in in_files.items() if isinstance(in_files, dict) else ():
            if isinstance(in_default, dict) and name in in_default:
                continue
            found = from_files.place.at((key, name))
            if key not in self.data:
                self.data[key] = {}
                self.place = self.place.with_parts({key: Place(found.layer, (key,))})
            if isinstance(self.data[key], dict):
                self.data[key] = dict(self.data[key])
                self._below(self.data[key], (key, name), value, found)

    def _below(self, into: dict[str, Any], path: DataPath, value: Any, place: Place) -> None:
        key = str(path[-1])
        if key not in into:
            into[key] = value
            self.place = self.place.with_part(path, place)
        elif _is_plain(into[key]) and _is_plain(value):
            into[key] = dict(into[key])
            for name, child in value.items():
                self._below(into[key], (*path, name), child, place.part(name))


def _is_plain(value: Any) -> bool:
    return isinstance(value, dict) and OBJECT_KEYS.isdisjoint(value)
