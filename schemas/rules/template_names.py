"""Names in templates that Airflow does not know when the task runs, and attributes, arguments and operators that their
values do not have."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from schemas.expressions.template_parts import Called, Word, mixed_up_format
from schemas.expressions.templates import environment, read_template
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import did_you_mean
from schemas.model.task_base import CONTEXT_NAMES
from schemas.rules.params import check_template, has_type, is_scheduled, kind_of_param
from schemas.rules.run_context import NOT_IN_TASKS
from schemas.rules.subject import Subject
from schemas.rules.template_context import (
    ALL,
    BOOL,
    DATE,
    INSTEAD,
    KEYWORDS,
    KINDS,
    LIST,
    MACROS,
    NEEDED,
    NO_DS,
    NOT_CALLED,
    NUMBER,
    OTHER_WORDS,
    SOME,
    TEXT,
    call_of,
    dashed_name,
    for_another_program,
    is_rendered,
    lists_in_text,
    printed_function,
)
from schemas.rules.template_samples import DATE_FILTERS, NOT_AT_FIRST, UNKNOWN, help_for, pulled_by, samples_of_params
from schemas.rules.template_values import failures
from schemas.rules.templates import GITHUB, REMOVED, Said, rendered_texts
from schemas.shape.places import mapping_at
from schemas.source import SourceReader

_IS_ASKED = re.compile(r"\b(?:if|and)\b")  # first whether something is there
_SHOWN_CHARACTERS = 60
_FORMATTING = (".strftime", ".format", ".ds_format")
_MINUS = "Jinja reads the `-` as minus"
_OURS = frozenset({"tasks", "vars", "env", "matrix", "expand"})  # where expressions of this language begin
_FILLED_IN = "an expression in `${ }` is filled in when the file is read; `{{ }}` is rendered when the task runs"
_OTHER_TASK = re.compile(r"task\.((?!params|env|op_kwargs|conf)\w+)")
_WAY = re.compile(r"[\w.\-\[\]'\"]+")


def check(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """Names and attributes in the texts that Airflow renders. Its templates fail for a name that is missing."""
    if not subject.may_hold("{{", "{%"):
        return
    macros = subject.data.get("user_defined_macros") or {}
    if not isinstance(macros, dict):
        return
    for path, text in rendered_texts(subject):
        if GITHUB.search(text) is not None:
            continue  # GitHub's, which `templates` reports
        params = _params_at(subject, path) if "params" in text else {}
        places: list[tuple[int, Severity | None]] = []
        for said in said_of_names(text, macros.keys(), params):
            places.append((said.part[0], said.severity))
            if not is_rendered(subject, path, reader):
                break
            parts: dict[str, Any] = {"help": said.help, "part": said.part, "severity": said.severity}
            yield subject.finding(said.code, path, said.message, caret=said.caret, **parts)
        template = read_template(text)
        if template.tree is not None and not template.problems and is_rendered(subject, path, reader):
            yield from _worked_out(subject, path, text, params, macros, places)
        if _IS_ASKED.search(text) is None:
            yield from check_template(subject, path, text, params)


def _params_at(subject: Subject, path: DataPath) -> Mapping[str, Any]:
    task = subject.entry_at(path)
    own = mapping_at(task.entry, ("params",)) if task is not None and task.path != ("poll",) else {}
    return {**mapping_at(subject.data, ("params",)), **own}


def _worked_out(
    subject: Subject,
    path: DataPath,
    text: str,
    params: Mapping[str, Any],
    macros: Mapping[str, Any],
    said: Sequence[tuple[int, Severity | None]],
) -> Iterator[Diagnostic]:
    """What fails with values as each run has them, but for the places of which something is `said` already."""
    template = read_template(text)
    if template.tree is None or subject.data.get("template_undefined") is not None:
        return
    own: dict[str, Any] = {**dict.fromkeys(macros, UNKNOWN), "params": samples_of_params(params)}
    pulled = pulled_by(subject) if template.pulls else {}
    found = list(failures(text, template.tree, environment(), own, pulled))
    own["params"] = samples_of_params({name: param for name, param in params.items() if has_type(param)})
    certain = {one.part for one in (failures(text, template.tree, environment(), own, pulled) if found else ())}
    for failure in found:
        start, end = failure.part
        is_certain = failure.part in certain
        if any(start <= place < end and (how is None or not is_certain) for place, how in said):
            continue
        error = str(failure.error.args[0]) if failure.error.args else type(failure.error).__name__
        inside = " ".join(text[slice(*failure.part)].split())
        severity, when = None, "in each run"
        if not is_certain:
            named = [f"`{name}`" for name in params if re.search(rf"\bparams\b.*\b{re.escape(name)}\b", inside)]
            severity = Severity.WARNING
            when = f"with the default of {named[0]}" if len(named) == 1 else "with the defaults of the params"
        elif any(name in inside for name in NOT_AT_FIRST):
            severity, when = Severity.WARNING, "before the first success"
        elif "dag_run.conf" in inside:
            if not is_scheduled(subject) or not error.startswith("'None'"):
                continue
            severity, when = Severity.WARNING, "in runs by the schedule"
        shown = inside if len(inside) <= _SHOWN_CHARACTERS else f"{inside[:_SHOWN_CHARACTERS]}…"
        message = f"`{shown}` fails {when}: {error}"
        help_text = for_another_program(text, start) or help_for(failure.operator, error, failure.values, inside)
        yield subject.finding(Code.BAD_TEMPLATE, path, message, help=help_text, part=failure.part, severity=severity)


def said_of_names(text: str, own: Collection[str] = (), params: Mapping[str, Any] | None = None) -> Iterator[Said]:
    """What a template asks for and Airflow does not give; `own` are names that the DAG defines."""
    template = read_template(text)
    minus: set[int] = set()  # what Jinja reads as such, inside a name
    for name in template.names:
        known = name.text in CONTEXT_NAMES or name.text in own or name.text in REMOVED
        dashed = dashed_name(text, name.at, params or {}) if text[name.at - 1 : name.at] == "-" else None
        if dashed is not None and (not known or not dashed.startswith(("var.json", "params"))):  # may be numbers
            minus.add(name.at - 1)
            message = f"{'Jinja subtracts' if known else 'Airflow gives templates no'} `{name.text}`"
            yield Said(Code.BAD_TEMPLATE, message, name.span, f"write `{dashed}`", _MINUS)
        elif (not known or (name.text in NOT_IN_TASKS and name.text not in own)) and name.text not in template.optional:
            yield _unknown(text, name)
    kinds = _Kinds(own, template.optional, params or {})
    for owner, attribute in template.attributes:
        kind = kinds.of(owner) if attribute.at not in template.optional else None
        if kind is None and attribute.text == "output" and (other := _OTHER_TASK.fullmatch(owner)) is not None:
            message, caret = f"`task` is this task, not `{other[1]}`", f"write `${{tasks.{other[1]}.output}}`"
            yield Said(Code.BAD_TEMPLATE, message, attribute.span, caret, _FILLED_IN)
        if kind is not None:
            yield from (kinds.said(owner, said) for said in _attribute(owner, kind, attribute))
            for message, caret in printed_function(text, kind, f"{owner}.{attribute.text}", attribute.span[1]):
                yield Said(Code.BAD_TEMPLATE, message, attribute.span, caret, severity=Severity.WARNING)
    for message, part, help_text in lists_in_text(text, params or {}):
        yield Said(Code.BAD_TEMPLATE, message, part, help=help_text, severity=Severity.WARNING)
    for call in template.calls:
        yield from _arguments(call, kinds)
        kind = kinds.of(call.path.rpartition(".")[0]) if call.path.endswith(_FORMATTING) else None
        if kind in (DATE, "datetime", "macros"):
            of_pendulum = kind == DATE and call.path.endswith(".format")
            if (mixed := mixed_up_format(text, call.at, of_pendulum=of_pendulum)) is not None:
                message, part, written = mixed
                yield Said(Code.BAD_TEMPLATE, message, part, written, severity=Severity.WARNING)
    for left, operator, right in (one for one in template.operations if one[1].at not in minus):
        yield from (kinds.said(left, said) for said in _operation(left, kinds.of(left), operator, kinds.of(right)))


class _Kinds:
    """The kinds of the values at the paths of one template."""

    _STEP = re.compile(r"[.|]?\w+|\(\)")

    def __init__(self, own: Collection[str], optional: Collection[str | int], params: Mapping[str, Any]) -> None:
        self._unknown = {*own, *(name for name in optional if isinstance(name, str))}
        self._params = params

    def said(self, owner: str, said: Said) -> Said:
        """Of a param's default nothing is certain where its type is not said."""
        name = owner.partition("params.")[2].partition(".")[0]
        is_certain = not owner.startswith("params.") or has_type(self._params.get(name))
        return said if is_certain else said._replace(severity=Severity.WARNING)

    def of(self, path: str) -> str | None:
        """The kind of what a path leads to; None where that is not known."""
        first, *steps = self._STEP.findall(path) or [""]
        kind = KINDS.get(first) if first not in self._unknown else None
        if first == "params" and steps and first not in self._unknown:
            kind, steps = kind_of_param(self._params.get(steps[0][1:])), steps[1:]
        way = kind or first
        for step in steps:
            way += step
            kind = KINDS.get(way)
            if kind is None and step.startswith(".") and way.startswith("conn."):
                kind = KINDS["conn.*"]
            elif kind is None and way.startswith("var.value.") and way != "var.value.get":
                kind = TEXT
            way = kind or way
        return kind


def _unknown(text: str, name: Word) -> Said:
    message = f"Airflow gives templates no `{name.text}`"
    if name.text in _OURS or text.startswith(f"{name.text}.output", name.at):
        way = _WAY.match(text, name.at)
        written = ("" if name.text in _OURS else "tasks.") + (way.group().rstrip(".") if way is not None else name.text)
        return Said(Code.BAD_TEMPLATE, message, name.span, f"write `${{{written}}}`", _FILLED_IN)
    if name.text in NOT_IN_TASKS:
        return Said(Code.BAD_TEMPLATE, message, name.span, help=NOT_IN_TASKS[name.text])
    instead = INSTEAD.get(name.text, f"macros.{name.text}" if name.text in MACROS else "")
    if instead:
        return Said(Code.BAD_TEMPLATE, message, name.span, f"write `{instead}`")
    near = next(iter(get_close_matches(name.text, CONTEXT_NAMES, n=1, cutoff=0.75)), None)
    help_text = for_another_program(text, name.at) or "a param is `params.NAME`, a Variable `var.value.NAME`"
    return Said(Code.BAD_TEMPLATE, message, name.span, did_you_mean(near), help_text if near is None else "")


_SHOWN = {TEXT: "text", NUMBER: "a number", LIST: "a list", BOOL: "true or false"}
_REMOVED_ATTRIBUTES = frozenset({"execution_date", "dag_run", "external_trigger"})


def _attribute(owner: str, kind: str, attribute: Word) -> Iterator[Said]:
    name = attribute.text
    has = ALL.get(kind, SOME.get(kind))
    of_python = name == "format" and owner in DATE_FILTERS  # of texts, which a text without `{}` is left alone by
    if has is None or (name in has and not of_python) or name.startswith("_"):
        return
    shown = "a connection" if kind == "connection" else f"`{owner}`"
    message = f"{shown} has no `{name}`"
    if kind in _SHOWN:
        what = "whose `format` changes nothing" if of_python else f"which has no `{name}`"
        message = f"{shown} is {_SHOWN[kind]}, {what}"
    words = OTHER_WORDS.get(kind, {})
    near = next(iter(get_close_matches(name, has, n=1, cutoff=0.8 if kind in SOME else 0.75)), None)
    if name in words:
        message = f"Airflow 3 has removed `{name}` from {shown}" if name in _REMOVED_ATTRIBUTES else message
        alone = f", without `{owner}.`" if kind == "ti" and words[name] not in has else ""
        caret = f"write `{'macros.' if kind == 'macros' else ''}{words[name]}`{alone}"
    elif owner.startswith("var.value."):
        caret = f"write `{owner.replace('value', 'json', 1)}.{name}`"
    elif kind == TEXT and owner.startswith("conn."):
        caret = f"write `{owner}_dejson.{name}`"
    elif kind in SOME and (near is None or f"a{near}" == name):
        return
    elif kind == TEXT and name in ALL[DATE] and owner in KINDS:
        caret = f"write `logical_date.{name}`"
    else:
        caret = f"write `var.value.{name}`" if kind == "var" and near is None else did_you_mean(near)
    yield Said(Code.BAD_TEMPLATE, message, attribute.span, caret)


def _arguments(call: Called, kinds: _Kinds) -> Iterator[Said]:
    owner, _, method = call.path.rpartition(".")
    way = f"{kinds.of(owner)}.{method}"
    known, words = KEYWORDS.get(way, ()), OTHER_WORDS.get(way, {})
    for word in call.keywords if known else ():
        if word.text not in known:
            near = next(iter(get_close_matches(word.text, known, n=1, cutoff=0.75)), None)
            caret = f"write `{words[word.text]}`" if word.text in words else did_you_mean(near)
            yield Said(Code.BAD_TEMPLATE, f"`{method}` takes no `{word.text}`", word.span, caret)
    place = (call.at - len(method), call.at)
    if way == "ti.xcom_pull" and call.arguments is not None:
        yield from _pulled_from(call, place)
    if way in NOT_CALLED:
        help_text = f"call a function of it, such as `{call_of(method)}`"
        yield Said(Code.BAD_TEMPLATE, f"`{call.path}` is a module of Python", place, help=help_text)
    elif call.arguments is not None and call.arguments < NEEDED.get(way, 0):
        names = KEYWORDS.get(way, ("ds", "input_format", "output_format"))
        message = f"`{method}` needs {NEEDED[way]} arguments"
        yield Said(Code.BAD_TEMPLATE, message, place, f"write `{method}({', '.join(names)})`")
    elif way == "macros.ds_add" and (kinds.of(call.first) in (DATE, "datetime", NUMBER) or call.first in NO_DS):
        message = f"`{method}` takes a date as text first, such as `2026-01-31`"
        yield Said(Code.BAD_TEMPLATE, message, place, help="its first argument is `ds`")


def _pulled_from(call: Called, place: tuple[int, int]) -> Iterator[Said]:
    """Without `task_ids` Airflow 3 asks for what the task itself has pushed, and a template is rendered before that."""
    keywords = {word.text for word in call.keywords}
    positional = (call.arguments or 0) - len(keywords)
    if not positional and not keywords & {"task_ids", "task_id", "run_id"}:
        message = "without `task_ids`, `xcom_pull` reads what this task has pushed itself, which is nothing as yet"
        help_text = "write `ti.xcom_pull(task_ids='…', key='…')`; only Airflow 2 looked at all tasks"
        yield Said(Code.PULLED_TOO_EARLY, message, place, help=help_text)
    elif positional == 2 and "key" not in keywords:  # the second one
        message = "the second argument of `xcom_pull` is a DAG id, not a key"
        yield Said(Code.PULLED_TOO_EARLY, message, place, "write `key=…`, or `dag_id=…`")


def _operation(left: str, kind: str | None, operator: Word, right: str | None) -> Iterator[Said]:
    sign = operator.text
    if sign in DATE_FILTERS and kind == TEXT:
        message = f"`{left}` is text, and the filter `{sign}` takes a date"
        yield Said(Code.BAD_TEMPLATE, message, operator.span, f"write `logical_date | {sign}`")
    elif kind == TEXT and (sign in ("-", "/", "//", "**") or (sign == "+" and right in (NUMBER, DATE, LIST))):
        what = {"-": "subtracted from", "+": "added to a number"}.get(sign, "divided")
        message = f"`{left}` is text, which cannot be {what}"
        days = "-1" if sign == "-" else "1"
        is_day = left == "ds" and sign in "+-"
        caret = f"write `macros.ds_add(ds, {days})`" if is_day else "write `~` to join texts" if sign == "+" else ""
        yield Said(Code.BAD_TEMPLATE, message, operator.span, caret)
