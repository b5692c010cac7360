"""Names in templates that Airflow does not know when the task runs, and attributes that their values do not have; files
that Airflow reads as templates."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

from schemas.compose.env_values import as_written
from schemas.expressions.templates import CONNECTION, PULL, Word, read_template
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.diagnostics import Word as FixedWord
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import did_you_mean, meant, unmistakable
from schemas.model.built_ins import BUILT_INS, built_in
from schemas.model.task_base import CONTEXT_NAMES
from schemas.rules.expressions import has_expression
from schemas.rules.settings import CONDITIONS
from schemas.rules.subject import Reference, Subject
from schemas.rules.templates import GITHUB, REMOVED, Said, rendered_texts, said_of_template
from schemas.shape.places import mapping_at, value_at
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
_OF_CONNECTION = frozenset(
    {
        *("conn_id", "conn_type", "description", "host", "schema", "login", "password", "port", "extra"),
        *("extra_dejson", "get_uri", "get_hook", "get_extra_dejson", "to_dict", "as_json", "EXTRA_KEY"),
    }
)
OF_RUN = frozenset(
    {
        *("clear_number", "conf", "consumed_asset_events", "dag_id", "data_interval_end", "data_interval_start"),
        *("end_date", "logical_date", "note", "partition_date", "partition_key", "run_after", "run_id", "run_type"),
        *("start_date", "state", "team_name", "triggering_user_name"),
    }
)
"""What a run has in a task (`airflow.sdk`'s DagRun); a test compares."""
OF_TI = frozenset(
    {
        *("xcom_pull", "xcom_push", "dag_id", "end_date", "hostname", "id", "is_mapped", "log_url", "map_index"),
        *("mark_success_url", "max_tries", "queue", "rendered_map_index", "run_id", "start_date", "state", "task"),
        *("task_id", "try_number"),
    }
)
"""Of what a task instance has. A test looks for each."""
PULL_TAKES = frozenset({"task_ids", "dag_id", "key", "include_prior_dates", "map_indexes", "default", "run_id"})
OF_DATE = frozenset(
    {
        *dir(datetime),
        *("add", "subtract", "diff", "diff_for_humans", "format", "start_of", "end_of", "in_timezone", "in_tz"),
        *("int_timestamp", "float_timestamp", "day_of_week", "day_of_year", "week_of_year", "days_in_month"),
        *("quarter", "naive", "next", "previous", "first_of", "last_of", "nth_of", "average", "timezone_name"),
        *("to_date_string", "to_time_string", "to_datetime_string", "to_iso8601_string", "to_atom_string"),
    }
)
"""Of what pendulum's DateTime has. A test looks for each."""
_ALL: Mapping[str, Collection[str]] = MappingProxyType(
    {"dag_run": OF_RUN, "var": ("value", "json"), CONNECTION: _OF_CONNECTION, PULL: PULL_TAKES}
)
"""What there is, and nothing else."""
_SOME: Mapping[str, Collection[str]] = MappingProxyType(
    {
        **{"ti": OF_TI, "task_instance": OF_TI, "macros": MACROS},
        **dict.fromkeys(("logical_date", "data_interval_start", "data_interval_end"), OF_DATE),
    }
)
"""Of these there may be more: plugins add macros."""
_OTHER_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        PULL: {"task_id": "task_ids", "dag_ids": "dag_id", "keys": "key", "map_index": "map_indexes"},
        CONNECTION: {"user": "login", "username": "login", "database": "schema", "db": "schema", "uri": "get_uri()"},
        "dag": {"id": "dag_id", "name": "dag_id"},
        "task": {"id": "task_id"},
        "ti": {"execution_date": "logical_date", "name": "task_id", "dag_run": ""},
        "task_instance": {"execution_date": "logical_date", "name": "task_id", "dag_run": ""},
        "dag_run": {"execution_date": "logical_date", "id": "run_id", "config": "conf", "external_trigger": "run_type"},
    }
)
"""What people write → what it is; empty: a name of its own."""


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
        for said in said_of_names(text, macros.keys()):
            if not _is_rendered(subject, path, reader):
                break
            yield subject.finding(said.code, path, said.message, caret=said.caret, help=said.help, part=said.part)
        yield from _params(subject, path, text)


def _params(subject: Subject, path: DataPath, text: str) -> Iterator[Diagnostic]:
    """A near miss of a param. Any other name may come with a run's configuration."""
    task = subject.entry_at(path) if "params" in text else None
    known = mapping_at(subject.data, ("params",)) if "params" in text else {}
    known = {**known, **(mapping_at(task.entry, ("params",)) if task is not None and task.path != ("poll",) else {})}
    template = read_template(text if known else "")
    for owner, name in template.attributes if "params" not in template.optional else ():
        near = unmistakable(name.text, known) if owner == "params" and name.text not in known else None
        if near is not None:
            message, caret, severity = f"there is no param `{name.text}`", did_you_mean(near), Severity.WARNING
            yield subject.finding(Code.BAD_TEMPLATE, path, message, caret=caret, part=name.span, severity=severity)


def said_of_names(text: str, own: Collection[str] = ()) -> Iterator[Said]:
    """Names of a template that are neither Airflow's nor `own`."""
    template = read_template(text)
    for name in template.names:
        known = name.text in CONTEXT_NAMES or name.text in own or name.text in REMOVED
        if not known and name.text not in template.optional:
            yield _unknown(text, name)
    for owner, attribute in template.attributes:
        root = owner.partition(".")[0]
        if root not in own and root not in template.optional:
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
    instead = _INSTEAD.get(name.text, f"macros.{name.text}" if name.text in MACROS else "")
    if instead:
        return Said(Code.BAD_TEMPLATE, message, name.span, f"write `{instead}`")
    near = next(iter(get_close_matches(name.text, CONTEXT_NAMES, n=1, cutoff=0.75)), None)
    help_text = "" if near is not None else "a param is `params.NAME`, a Variable `var.value.NAME`"
    return Said(Code.BAD_TEMPLATE, message, name.span, did_you_mean(near), help_text)


def _attribute(owner: str, attribute: Word) -> Iterator[Said]:
    name, shown = attribute.text, "a connection" if owner == CONNECTION else f"`{owner}`"
    if name == "-":
        if owner not in _TEXTS:
            return
        message, caret = f"`{owner}` is text, which cannot be subtracted from", "write `macros.ds_add(ds, -1)`"
    elif owner in _TEXTS and name not in _OF_TEXT:
        message, caret = f"`{owner}` is text, which has no `{name}`", f"write `logical_date.{name}`"
    elif name in _OTHER_WORDS.get(owner, ()):
        gone = "Airflow 3 has removed" if name in ("execution_date", "dag_run", "external_trigger") else ""
        message = f"{gone} `{name}` from {shown}" if gone else f"{shown} has no `{name}`"
        caret = f"write `{_OTHER_WORDS[owner][name] or name}`"
    elif owner in _ALL and name not in _ALL[owner] and not name.startswith("_"):
        message = f"{shown} has no `{name}`"
        near = next(iter(get_close_matches(name, _ALL[owner], n=1, cutoff=0.75)), None)
        caret = f"write `var.value.{name}`" if owner == "var" and near is None else did_you_mean(near)
    elif owner in _SOME and name not in _SOME[owner]:
        near = next(iter(get_close_matches(name, _SOME[owner], n=1, cutoff=0.8)), None)
        if near is None or f"a{near}" == name:
            return
        message, caret = f"{shown} has no `{name}`", did_you_mean(near)
    else:
        return
    yield Said(Code.BAD_TEMPLATE, message, attribute.span, caret)


_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        **{"len": "… | length", "str": "… | string", "int": "… | int", "float": "… | float", "sorted": "… | sort"},
        **{"sum": "… | sum", "round": "… | round", "abs": "… | abs", "min": "… | min", "max": "… | max"},
        **{"list": "… | list", "xcom_pull": "ti.xcom_pull", "Variable": "var.value.NAME", "os": "${env.NAME}"},
        **{"variable": "var.value.NAME", "variables": "var.value.NAME", "connection": "conn.NAME"},
        **dict.fromkeys(("now", "today", "utcnow", "current_date"), "dag_run.run_after"),
        **{"config": "params", "conf": "dag_run.conf", "param": "params.NAME", "xcom": "ti.xcom_pull"},
    }
)
"""Functions of Python and words of other tools → what templates have."""

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
    for reference in subject.references if subject.may_hold("${tasks", "${expand") else ():
        yield from _file_of_a_run(subject, reference)


def _file_of_a_run(subject: Subject, reference: Reference) -> Iterator[Diagnostic]:
    text = as_written(value_at(subject.data, reference.path))
    names = dict(_names((), {str(reference.task.argument_at(reference.path)): text}))
    if reference.part is not None and names and " " not in text:
        written = text[slice(*reference.part)]
        yield subject.finding(
            Code.EXPRESSION_NOT_ALLOWED,
            reference.path,
            f"the name of a file that Airflow reads as a template must be known before the run, and `{written}` is not",
            help="name the file without it; a template in the file can ask: {{ ti.xcom_pull(task_ids='…') }}",
            part=reference.part,
        )


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
    here = below(text, places)
    return subject.finding(
        Code.MISSING_FILE,
        path,
        f"there is no file `{text}` beside {whose} or in the pipelines folder",
        caret=f"write `{here}`" if here is not None else meant(text, others),
        fix=FixedWord(here) if here is not None else None,
    )


def below(file: str, places: Sequence[Path]) -> str | None:
    """Where a file is below one of the places that is named by its path in a container or another checkout."""
    parts = PurePosixPath(file).parts
    tails = ("/".join(parts[start:]) for start in range(1, len(parts)))
    return next((tail for tail in tails if _file(tail, places) is not None), None)


def siblings(missing: Path) -> list[Path]:
    """Files of the same kind in the folder where one is missing."""
    try:
        return sorted(missing.parent.glob(f"*{missing.suffix}"))
    except (OSError, ValueError):
        return []
