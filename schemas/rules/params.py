"""`params`: JSON Schemas, defaults that fit them, and defaults for what a schedule starts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from schemas.compose.env_values import EnvText, param_default
from schemas.expressions.reading import EnvReference, expressions
from schemas.expressions.templates import read_template
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, typo_fix
from schemas.findings.paths import DataPath, walk
from schemas.findings.suggestions import did_you_mean, meant, unmistakable
from schemas.model.built_ins import BUILT_INS
from schemas.model.value_schema import (
    TYPES,
    is_simple,
    of_value,
    remote_reference,
    schema_problem,
    unfit,
)
from schemas.rules.subject import Subject
from schemas.rules.task_view import TaskView
from schemas.rules.template_context import BOOL, LIST, NUMBER, TEXT
from schemas.shape.places import mapping_at, value_at

_FORM = ("section", "values_display", "description_md")
"""Airflow's own: how the trigger form shows a param (airflow-core docs, "Params", of 3.3)."""
_ONE = (
    *("items", "additionalItems", "unevaluatedItems", "contains", "propertyNames", "not", "if", "then", "else"),
    *("additionalProperties", "unevaluatedProperties"),
)
"""Keywords whose value is a schema."""
_SEVERAL = ("items", "prefixItems", "allOf", "anyOf", "oneOf")
"""Keywords whose value is a list of schemas."""
_BY_NAME = ("properties", "patternProperties", "dependentSchemas", "definitions", "$defs")
"""Keywords whose value holds schemas by names of the user's."""

KEYWORDS = frozenset(
    {
        *(*_FORM, *_ONE, *_SEVERAL, *_BY_NAME),
        *("type", "default", "enum", "const", "format", "title", "description", "examples"),
        *("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "minContains", "maxContains"),
        *("minProperties", "maxProperties", "required", "dependencies", "dependentRequired"),
        *("readOnly", "writeOnly", "deprecated", "contentEncoding", "contentMediaType", "contentSchema"),
        *("$id", "$schema", "$ref", "$anchor", "$comment", "$dynamicRef", "$dynamicAnchor", "$vocabulary"),
    }
)
"""Of JSON Schema, drafts 07 to 2020-12, and of Airflow's trigger form."""


_OTHER_TYPES = {
    **dict.fromkeys(("str", "text"), "string"),
    **{"int": "integer", "float": "number", "bool": "boolean", "dict": "object", "map": "object"},
    **dict.fromkeys(("list", "tuple", "set"), "array"),
    **{"date": "type: string, format: date", "datetime": "type: string, format: date-time"},
}
"""Types of Python → those of JSON Schema."""
_OTHER_KEYWORDS = {
    **dict.fromkeys(("choices", "options", "allowed", "values"), "enum"),
    **{"min": "minimum", "max": "maximum", "desc": "description", "help": "description", "label": "title"},
    **{"regex": "pattern"},
}
"""Words of other tools → keywords."""


def misspelt(subject: Subject, path: DataPath, schema: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """A finding for each such keyword of the schema at `path` and of the schemas inside it."""
    for key, value in schema.items():
        if key in KEYWORDS:
            for place, inner in _inside(key, value):
                yield from misspelt(subject, (*path, *place), inner)
        elif (known := _OTHER_KEYWORDS.get(key) or unmistakable(key, KEYWORDS)) is not None and known not in schema:
            yield subject.finding(
                Code.MISSPELT_KEYWORD,
                (*path, key),
                f"JSON Schema has no keyword `{key}`, and Airflow would ignore it",
                at_key=True,
                caret=did_you_mean(known),
                fix=typo_fix(key, KEYWORDS),
            )


def _inside(key: str, value: Any) -> Iterator[tuple[DataPath, Mapping[str, Any]]]:
    if key in _ONE and isinstance(value, dict):
        yield (key,), value
    elif (key in _SEVERAL and isinstance(value, list)) or (key in _BY_NAME and isinstance(value, dict)):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(inner, dict):
                yield (key, step), inner


SCHEMA_KEYWORDS = frozenset(
    {
        *("type", "default", "enum", "const", "format", "title", "description"),
        *("anyOf", "oneOf", "allOf", "examples"),
    }
)
"""A mapping that means something in a trigger form has at least one of these."""


def zeros_in_arguments(subject: Subject, task: TaskView, typed: Collection[str]) -> Iterator[Diagnostic]:
    """Those of arguments that are not `typed`, of which a wrong type is said."""
    if subject.may_lose_zeros:
        mapped = task.mapped or {} if task.uses not in BUILT_INS else {}
        for name, path in {**{name: (*task.with_path, name) for name in task.arguments}, **mapped}.items():
            if name not in typed:
                yield from _lost_zeros(subject, path, value_at(subject.data, path), Code.WRONG_ARGUMENT)


def _lost_zeros(subject: Subject, path: DataPath, value: object, code: Code) -> Iterator[Diagnostic]:
    """Numbers with a zero in front, at any depth of a value that may be anything: postal codes, accounts, months."""
    if type(value) is int:
        document, place = subject.effective.origin(path)
        written = document.written(document.value_span(place))
        if re.fullmatch(r"0[0-9]+", written) is not None:
            message, warning = f"`{written}` is the number {value}, which does not keep its zero", Severity.WARNING
            caret = f'write "{written}"' + (f", or {value} for the number" if value else "")
            yield subject.finding(code, path, message, caret=caret, severity=warning)
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from _lost_zeros(subject, (*path, key), one, code)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Mappings that are no JSON Schema, defaults that do not fit theirs, and those that a schedule has to have."""
    asks_nobody = "scheduled runs have nobody to ask" if subject.data.get("schedule") is not None else ""
    for name, schema in mapping_at(subject.data, ("params",)).items():
        if isinstance(schema, dict):
            yield from check_param(subject, ("params", name), schema, asks_nobody)
        yield from never_rendered(subject, ("params", name), schema)
        if subject.may_lose_zeros:
            yield from _lost_zeros(subject, ("params", name), schema, Code.BAD_PARAM)
    for task in subject.tasks if subject.may_hold("params") else ():
        if task.path == ("poll",):
            continue  # there they are the request's
        own = mapping_at(task.entry, ("params",))
        for name, schema in own.items():
            if isinstance(schema, dict):
                yield from check_param(
                    subject, (*task.path, "params", name), schema, "nobody is asked for a task's params"
                )
            yield from never_rendered(subject, (*task.path, "params", name), schema)
        if own and task.uses == "http" and not any("params" in text for _, text in walk(dict(task.arguments)).texts):
            yield subject.finding(
                Code.BAD_PARAM,
                (*task.path, "params"),
                "these are values for templates, and no template of the task asks for `params`",
                at_key=True,
                help="the query of a request is `with: {params: {…}}`",
                severity=Severity.WARNING,
            )


def never_rendered(subject: Subject, path: DataPath, param: Any) -> Iterator[Diagnostic]:
    """A param that is a template: Airflow renders arguments of tasks, in which a param's value is as it is written."""
    place = (*path, "default") if isinstance(param, dict) else path
    value = param.get("default") if isinstance(param, dict) else param
    if isinstance(value, str) and value.strip().startswith("{{") and "}}" in value:
        message, help_text = "Airflow does not render params: this stays text", "write the template where it is used"
        yield subject.finding(Code.BAD_PARAM, place, message, help=help_text, severity=Severity.WARNING)


def check_param(subject: Subject, path: DataPath, schema: Mapping[str, Any], asks_nobody: str) -> Iterator[Diagnostic]:
    """The JSON Schema of a param with its default; `asks_nobody` says why it needs one."""
    typos = [*misspelt(subject, path, schema)]
    if typos:
        yield from typos
        return
    if not SCHEMA_KEYWORDS & schema.keys():
        yield subject.finding(
            Code.BAD_PARAM,
            path,
            "a mapping here is a JSON Schema, and this one has none of its keywords",
            help="write a default that is a mapping as `{type: object, default: {…}}`",
        )
        return
    wrong = [*_schema(subject, path, schema)]
    yield from wrong
    if "default" not in schema:
        if asks_nobody:
            help_text = "or set `schedule: null`" if path[0] == "params" else ""
            message = f"`{path[-1]}` needs a `default`: {asks_nobody}"
            yield subject.finding(Code.BAD_PARAM, path, message, at_key=True, help=help_text)
    elif not wrong and _can_be_judged(schema):
        yield from _default(subject, path, schema)


def _can_be_judged(schema: Mapping[str, Any]) -> bool:
    """Not a variable that is unset; and of what one gives only where the finding does not show it, which leaves the
    others to the build."""
    default = schema["default"]
    if isinstance(default, EnvText):
        return is_simple(schema)
    found = expressions(default) if isinstance(default, str) else ()
    return not any(isinstance(one.meaning, EnvReference) for one in found)


def _schema(subject: Subject, path: DataPath, schema: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """What is wrong with the schema itself."""
    types = schema.get("type")
    unknown = [t for t in (types if isinstance(types, list) else [types]) if isinstance(t, str) and t not in TYPES]
    for name in unknown:
        yield subject.finding(
            Code.BAD_PARAM,
            (*path, "type"),
            f"JSON Schema has no type `{name}`",
            caret=f"write `{_OTHER_TYPES[name]}`" if name in _OTHER_TYPES else meant(name, TYPES),
            allowed=tuple(TYPES),
            fix=typo_fix(name, TYPES) if types == name else None,
        )
    if unknown or is_simple(schema):
        return
    remote = remote_reference(schema)
    if remote is not None:
        message = "this refers to another document, which Airflow would have to fetch each time it reads the pipeline"
        yield subject.finding(Code.BAD_PARAM, (*path, *remote), message, help="write its content here")
        return
    problem = schema_problem(of_value(schema))
    if problem is not None:
        place, why = problem
        yield subject.finding(Code.BAD_PARAM, (*path, *place), f"this is not a JSON Schema: {why}")


def _default(subject: Subject, path: DataPath, schema: Mapping[str, Any]) -> Iterator[Diagnostic]:
    value, what = param_default(schema), f"the `default` of `{path[-1]}`"
    place, written = (*path, "default"), schema["default"]
    for misfit in unfit(value, schema):
        if isinstance(written, EnvText):
            message = f"what `{written.expression}` gives does not fit {what}, which must be {misfit.must}"
            yield subject.finding(Code.VARIABLE_DOES_NOT_FIT, place, message)
            continue
        at = ".".join(str(step) for step in misfit.path)
        who = f"`{at}` in {what}" if at else what
        message = f"{who} must be {misfit.must}" if misfit.must else f"{who} does not fit: {misfit.why}"
        nothing = value is None and isinstance(schema.get("type"), str)
        help_text = f'write `type: [{schema["type"]}, "null"]` for a param that may be empty' if nothing else ""
        yield subject.finding(Code.BAD_PARAM, (*place, *misfit.path), message, help=help_text)


_KINDS = {"string": TEXT, "integer": NUMBER, "number": NUMBER, "boolean": BOOL, "array": LIST}
_KINDS_OF_VALUES = {str: TEXT, int: NUMBER, float: NUMBER, bool: BOOL, list: LIST}


def kind_of_param(param: Any) -> str | None:
    """What templates have of a param, as `template_context` names it."""
    return _KINDS.get(str(param.get("type"))) if isinstance(param, dict) else _KINDS_OF_VALUES.get(type(param))


def has_type(param: Any) -> bool:
    """Whether a run cannot be started with a value of another type."""
    return isinstance(param, dict) and isinstance(param.get("type"), str)


def check_template(subject: Subject, path: DataPath, text: str, known: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """A near miss of a param, or one that runs by a schedule do not have. A run's configuration may have others."""
    template = read_template(text if "params" in text else "")
    for owner, name in template.attributes if "params" not in template.optional else ():
        if owner != "params" or name.text in known or name.at in template.optional or name.text in dir(dict):
            continue
        if text.startswith("-", name.at + len(name.text)):
            continue  # of a name with a dash, which `_unknown` says
        near = unmistakable(name.text, known)
        if near is None and not is_scheduled(subject):
            continue
        message, caret = f"there is no param `{name.text}`", did_you_mean(near)
        help_text = "" if near is not None else f"runs by a schedule fail here: write `params: {{{name.text}: …}}`"
        severity = Severity.WARNING
        yield subject.finding(
            Code.BAD_TEMPLATE, path, message, caret=caret, help=help_text, part=name.span, severity=severity
        )
    yield from _configuration(subject, path, text)


def is_scheduled(subject: Subject) -> bool:
    """Whether a time starts its runs, which then have no configuration."""
    schedule = subject.data.get("schedule")
    return schedule is not None and not (isinstance(schedule, dict) and "assets" in schedule)


def _configuration(subject: Subject, path: DataPath, text: str) -> Iterator[Diagnostic]:
    """A key of `dag_run.conf`, which is empty in runs by a schedule."""
    template = read_template(text if "dag_run.conf" in text and is_scheduled(subject) else "")
    for owner, name in template.attributes:
        if owner == "dag_run.conf" and name.at not in template.optional and name.text not in dir(dict):
            message = f"runs by a schedule have no `{name.text}` in `dag_run.conf`, and fail here"
            help_text = f"write `dag_run.conf.get('{name.text}')`, or a param with a default"
            severity = Severity.WARNING
            yield subject.finding(Code.BAD_TEMPLATE, path, message, help=help_text, part=name.span, severity=severity)
