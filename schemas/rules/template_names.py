"""Names in templates that Airflow does not know when the task runs, and attributes that their values do not have; files
that Airflow reads as templates."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Any

from schemas.expressions.templates import Word, read_template
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import did_you_mean, meant
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.model.task_base import CONTEXT_NAMES
from schemas.rules.expressions import has_expression
from schemas.rules.settings import CONDITIONS
from schemas.rules.subject import Subject
from schemas.rules.templates import REMOVED, Said, rendered_texts, said_of_template
from schemas.shape.places import mapping_at
from schemas.source import Class, Function, SourceReader
from schemas.text.lines import TextLines

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


_SHELL = (".sh", ".bash")
_SQL = (".sql", ".hql")
_SPEC = (".vl.json", ".vl.yaml", ".vl.yml")
_ENDINGS = {"bash_command": _SHELL, "sql": _SQL, "hql": _SQL, "spec": _SPEC}
_LONGEST = 255
_LONGEST_FILE = 200_000
"""Characters of a file; a longer one is data."""


def check_named_files(subject: Subject, folder: Path) -> Iterator[Diagnostic]:
    """Names that end like a file's and are none, beside {whose} or in the pipelines folder.

    Airflow takes a template field's text for a file's name where it ends with one of the operator's `template_ext`
    (`airflow.sdk.definitions._internal.abstractoperator`), a whole command that ends with `.sh` included.
    """
    if not subject.may_hold(*_SHELL, *_SQL, *_SPEC):
        return
    places = ((folder / subject.path).parent, folder)
    yield from _templates_in_files(subject, folder, places)
    for task in subject.tasks:
        for path, text in templates(task.with_path, task.arguments, places):
            if not has_expression(subject, path):
                yield missing_template(subject, path, text, places, whose="the pipeline")


def templates(at: DataPath, arguments: Mapping[str, Any], places: Sequence[Path]) -> Iterator[tuple[DataPath, str]]:
    """The names of files that are in none of the places, among arguments at a path."""
    for path, text in _names(at, arguments):
        if "{{" in text or "{%" in text or len(text) > _LONGEST:
            continue
        if _file(text, places) is None:
            yield path, text


def _templates_in_files(subject: Subject, folder: Path, places: Sequence[Path]) -> Iterator[Diagnostic]:
    """What is wrong with the templates in the files, each named once."""
    macros, filters = (mapping_at(subject.data, (f"user_defined_{what}",)) for what in ("macros", "filters"))
    operators = [task for task in subject.tasks if task.uses in BUILT_INS or str(task.uses).endswith("Operator")]
    written = {text for task in operators for _, text in _names(task.with_path, task.arguments)}
    shown = subject.effective.layers[-1].file.removesuffix(subject.path)
    for name in sorted(written) if not subject.data.get("jinja_environment_kwargs") else ():
        file = _file(name, places)
        text = file.read_bytes().decode("utf-8", errors="replace") if file is not None else ""
        if file is None or "{" not in text or len(text) > _LONGEST_FILE:
            continue
        place = shown + file.relative_to(folder).as_posix() if file.is_relative_to(folder) else str(file)
        for said in (*said_of_template(text, macros, filters), *said_of_names(text, macros)):
            span = TextLines(text).span(*said.part)
            yield Diagnostic(said.code, said.message, place, span, caret=said.caret, help=said.help, text=text)


def _file(name: str, places: Sequence[Path]) -> Path | None:
    # Not pathlib's, which raises for a name that is too long.
    found = (place / name for place in places if os.path.isfile(place / name))  # noqa: PTH113
    return next(found, None) if len(name) <= _LONGEST else None


def _names(at: DataPath, arguments: Mapping[str, Any]) -> Iterator[tuple[DataPath, str]]:
    for key, value in arguments.items():
        endings = _ENDINGS.get(key, _SQL if key.endswith("_sql") else ())
        items = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, item in items if endings else ():
            if isinstance(item, str) and item.endswith(endings):
                path = (*at, key)
                yield (path if index is None else (*path, index)), item


def missing_template(subject: Subject, path: DataPath, text: str, places: Sequence[Path], *, whose: str) -> Diagnostic:
    """The finding for one of `templates`; `whose` folder was looked in."""
    if " " in text:
        return subject.finding(
            Code.MISSING_FILE,
            path,
            f"Airflow reads a command that ends with `{PurePosixPath(text).suffix}` as the name of a file",
            help="add a space at its end, inside quotes, to make it a command",
        )
    beside = [file.relative_to(place).as_posix() for place in places for file in siblings(place / text)]
    others = [name for name in beside if name != text]  # of that name there may be a folder, or a named pipe
    return subject.finding(
        Code.MISSING_FILE,
        path,
        f"there is no file `{text}` beside {whose} or in the pipelines folder",
        caret=meant(text, others),
    )


def siblings(missing: Path) -> list[Path]:
    """Files of the same kind in the folder where one is missing."""
    try:
        return sorted(missing.parent.glob(f"*{missing.suffix}"))
    except (OSError, ValueError):
        return []
