"""Templates by themselves, whether a pipeline takes them or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from schemas.check.language import judged_alone
from schemas.check.layers import LayerReader, unusable
from schemas.compose.merging import IGNORED
from schemas.compose.task_rows import of_template
from schemas.compose.templates import params_of
from schemas.expressions.reading import ValueReference, expressions
from schemas.expressions.templates import read_template
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, Span, once
from schemas.findings.paths import walk
from schemas.folder.project import known, template_name
from schemas.model.pipeline import Pipeline
from schemas.model.task import TaskTemplate
from schemas.rules import Standards
from schemas.rules.subject import Subject
from schemas.shape.validation import model_findings
from schemas.text.document import Document
from schemas.text.ignore_comments import silenced

_A_TASK = {"id": "task", "uses": "empty"}


def template_findings(path: str, layers: LayerReader, standards: Standards) -> tuple[Diagnostic, ...]:
    """What is wrong with the template at a POSIX path below the pipelines folder, whatever its params are."""
    document = layers.template_file(path) or Document(layers.shown(path), "")
    found = unusable([document])
    if found:
        empty = "the file is empty: a template needs `tasks`"
        return tuple(replace(one, message=empty) if one.code is Code.EMPTY_FILE else one for one in found)
    findings = [*_of_shape(document), *_of_params(document), *_hidden(path, layers, document)]
    if isinstance(document.data.get("tasks"), list):
        subject = Subject(path, of_template(document, layers))
        findings += map(_outside, judged_alone(subject, standards._replace(policy=None))[1])
    return once(silenced(findings, [document], report_unused=False))


def _of_shape(document: Document) -> Iterator[Diagnostic]:
    """What is wrong with its keys; tasks are held against the models where their params have values."""
    tasks = document.data.get("tasks")
    data = {key: value for key, value in document.data.items() if not key.startswith(IGNORED)}
    data = {**data, **({"tasks": [_A_TASK]} if isinstance(tasks, list) and tasks else {})}
    try:
        TaskTemplate.model_validate(data)
    except ValidationError as error:
        for finding in model_findings(document, error.errors(include_url=False), TaskTemplate):
            key = document.written(finding.span) if finding.code is Code.UNKNOWN_KEY and not finding.caret else ""
            caret = "write it in the pipelines that use the template" if key in Pipeline.model_fields else ""
            yield replace(finding, caret=caret) if caret else finding


def _of_params(document: Document) -> Iterator[Diagnostic]:
    """Params that nothing uses, or that are written as those of the run are."""
    params, used = params_of(document), set[str]()
    for path, text in walk(document.data.get("tasks")).texts:
        for name in {one.text for owner, one in read_template(text).attributes if owner == "params"} & params.keys():
            message = f"`{{{{ params.{name} }}}}` is a param of the run; that of the template is `${{params.{name}}}`"
            yield _warning(document, document.value_span(("tasks", *path)), message)
            used.add(name)
    used |= {name for _, text in walk(document.data).texts for name in _params_in(text)}
    for name in params:
        if name not in used:
            message = f"nothing in the template uses the param `{name}`"
            help_text = f"write `${{params.{name}}}` where its value is to be"
            yield _warning(document, document.key_span(("params", name)), message, help_text)


def _warning(document: Document, span: Span, message: str, help_text: str = "") -> Diagnostic:
    return Diagnostic(
        Code.BAD_PARAM, message, document.file, span, text=document.text, severity=Severity.WARNING, help=help_text
    )


def _params_in(text: str) -> Iterator[str]:
    for expression in expressions(text):
        meaning: Any = expression.meaning
        if isinstance(meaning, ValueReference) and meaning.root == "params":
            yield meaning.keys[0]


def _hidden(path: str, layers: LayerReader, document: Document) -> Iterator[Diagnostic]:
    """That no name leads to the file."""
    meant = known(template_name(path))
    if meant is None or meant.package:
        message = "nobody can use this template: its name must be letters, digits, `_` and `-`, then `.yaml`"
    elif path != (first := next(other for other in meant.paths if layers.template_file(other) is not None)):
        message = f"nobody can use this template: `{meant.name}` is {layers.shown(first)}"
    else:
        return
    yield Diagnostic(Code.BAD_TASK_TEMPLATE, message, document.file, Span(1, 1, 1, 2), text=document.text)


def _outside(finding: Diagnostic) -> Diagnostic:
    """A task that the template does not have may be one of those who take it."""
    if finding.code is not Code.UNKNOWN_TASK or finding.path[:1] == ("outputs",):
        return finding
    help_text = "each pipeline that takes the template must have it: hand it over as a param, or add it here"
    return replace(finding, severity=Severity.WARNING, help=help_text)
