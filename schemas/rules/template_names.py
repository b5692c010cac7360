"""Names in templates that Airflow does not know when the task runs, and attributes that their values do not have."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches

from schemas.expressions.templates import Word, read_template
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import did_you_mean
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.model.task_base import CONTEXT_NAMES
from schemas.rules.settings import CONDITIONS
from schemas.rules.subject import Subject
from schemas.rules.templates import REMOVED, Said, rendered_texts
from schemas.source import Class, Function, SourceReader

_OURS = frozenset({"tasks", "vars", "env", "matrix", "expand"})
"""Where people begin an expression of this language in Jinja's braces."""
_WAY = re.compile(r"[\w.\-\[\]'\"]+")
_TEXTS = frozenset({"ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz", "run_id", "task_instance_key_str"})
_OF_TEXT = frozenset(dir(str))
MACROS = frozenset(
    {
        *("datetime", "datetime_diff_for_humans", "dateutil", "ds_add", "ds_format", "ds_format_locale"),
        *("json", "random", "time", "timedelta", "uuid", "yaml"),
    }
)
"""Airflow's own (`airflow.sdk.execution_time.macros`); plugins add theirs. A test compares them with Airflow's."""
_WITHOUT_EXECUTION_DATE = frozenset({"ti", "task_instance", "dag_run"})
_METHODS_OF_TI = ("xcom_pull", "xcom_push")


def check(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """Names and attributes in the texts that Airflow renders. Its templates fail for a name that is missing."""
    if not subject.may_hold("{{", "{%"):
        return
    macros = subject.data.get("user_defined_macros") or {}
    if not isinstance(macros, dict):
        return
    for path, text in rendered_texts(subject):
        if "${{" in text:
            continue  # GitHub's, which `templates` reports
        for said in said_of_names(text, macros.keys()):
            if not _is_rendered(subject, path, reader):
                break
            yield subject.finding(said.code, path, said.message, caret=said.caret, help=said.help, part=said.part)


def said_of_names(text: str, own: Collection[str] = ()) -> Iterator[Said]:
    """Names of a template that are neither Airflow's nor `own`."""
    template = read_template(text)
    for name in template.names:
        known = name.text in CONTEXT_NAMES or name.text in own or name.text in REMOVED
        if not known and name.text not in template.optional:
            yield _unknown(text, name)
    for owner, attribute in template.attributes:
        if owner not in own:
            yield from _attribute(owner, attribute)


def _is_rendered(subject: Subject, path: DataPath, reader: SourceReader) -> bool:
    """Whether Airflow is known to render the text at a path."""
    task = subject.entry_at(path)
    if task is None or task.uses is None:
        return False
    if path[-1] in CONDITIONS:
        return True
    if len(path) <= len(task.with_path) or path[: len(task.with_path)] != task.with_path:
        return False
    argument = path[len(task.with_path)]
    if task.uses in BUILT_INS:
        return argument in built_in(task.uses).templated
    found = reader.find(task.uses)
    if isinstance(found, Class):
        return found.template_fields is not None and argument in found.template_fields
    return isinstance(found, Function)


def _unknown(text: str, name: Word) -> Said:
    message = f"Airflow gives templates no `{name.text}`"
    if name.text in _OURS:
        way = _WAY.match(text, name.at)
        written = way.group().rstrip(".") if way is not None else name.text
        help_text = "an expression in `${ }` is filled in when the file is read; `{{ }}` is rendered when the task runs"
        return Said(Code.BAD_TEMPLATE, message, name.span, f"write `${{{written}}}`", help_text)
    near = next(iter(get_close_matches(name.text, CONTEXT_NAMES, n=1, cutoff=0.75)), None)
    help_text = "" if near is not None else "a param is `params.NAME`, a Variable `var.value.NAME`"
    return Said(Code.BAD_TEMPLATE, message, name.span, did_you_mean(near), help_text)


def _attribute(owner: str, attribute: Word) -> Iterator[Said]:
    name = attribute.text
    message, caret = "", ""
    if owner in _TEXTS and name not in _OF_TEXT:
        message, caret = f"`{owner}` is text, which has no `{name}`", f"write `logical_date.{name}`"
    elif owner in _WITHOUT_EXECUTION_DATE and name == "execution_date":
        message, caret = f"Airflow 3 has removed `execution_date` from `{owner}`", "write `logical_date`"
    elif owner == "macros" and name not in MACROS:
        near = get_close_matches(name, MACROS, n=1, cutoff=0.8)
        message, caret = f"`macros` has no `{name}`", did_you_mean(next(iter(near), None))
        if not near:
            return  # a plugin may have it
    elif owner in ("ti", "task_instance") and name not in _METHODS_OF_TI:
        near = [one for one in get_close_matches(name, _METHODS_OF_TI, n=1, cutoff=0.85) if f"a{one}" != name]
        message, caret = f"`{owner}` has no `{name}`", did_you_mean(next(iter(near), None))
        if not near:
            return
    if message:
        yield Said(Code.BAD_TEMPLATE, message, attribute.span, caret)
