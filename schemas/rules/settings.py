"""Settings of a pipeline or a task that contradict each other."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from schemas.compose.env_values import EnvText
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.problem import typo_fix
from schemas.findings.suggestions import meant
from schemas.model.times import parse_date
from schemas.rules.dotted_paths import no_callable
from schemas.rules.expressions import stands_at
from schemas.rules.subject import Subject
from schemas.source import ModuleMissing, NameMissing, SourceReader


def check_dates(subject: Subject) -> Iterator[Diagnostic]:
    """An end before its start."""
    places: list[tuple[DataPath, Any]] = [((), subject.data), (("default_args",), subject.data.get("default_args"))]
    places += [(task.path, task.entry) for task in subject.tasks]
    places += [((*group.path, "default_args"), group.entry.get("default_args")) for group in subject.groups]
    for path, mapping in places:
        if isinstance(mapping, dict) and "end_date" in mapping:
            yield from _order(subject, path, mapping)


def _order(subject: Subject, path: DataPath, mapping: Mapping[str, Any]) -> Iterator[Diagnostic]:
    start, end = _date(mapping.get("start_date")), _date(mapping.get("end_date"))
    if start is not None and end is not None and end < start:
        yield subject.finding(Code.END_BEFORE_START, (*path, "end_date"), "`end_date` is before `start_date`")


def _date(value: object) -> datetime | None:
    """The instant, one without offset taken as UTC: both of a pair usually have none."""
    if not isinstance(value, str):
        return None
    try:
        date = parse_date(value)
    except ValueError:
        return None  # its shape is reported where the model is checked
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


_ONLY = "all_success"


def check_fail_fast(subject: Subject) -> Iterator[Diagnostic]:
    """A DAG that stops at the first failure has only tasks that want success before them."""
    if _read(subject.data.get("fail_fast")) is not True:
        return
    for path, settings in _places(subject):
        rule = settings.get("trigger_rule") if isinstance(settings, dict) else None
        if isinstance(rule, str) and "${" not in rule and rule != _ONLY:
            what = f"what `{rule.expression}` gives" if isinstance(rule, EnvText) else f"`{rule}`"
            yield subject.finding(
                Code.FAIL_FAST_TRIGGER_RULE,
                (*path, "trigger_rule"),
                f"with `fail_fast: true` a `trigger_rule` must be `{_ONLY}`, not {what}",
                help="take `fail_fast` away, or the `trigger_rule`",
            )


def _places(subject: Subject) -> Iterator[tuple[DataPath, Any]]:
    yield from ((task.path, task.entry) for task in subject.tasks)
    yield from (((*group.path, "default_args"), group.entry.get("default_args")) for group in subject.groups)
    if any("trigger_rule" not in task.entry for task in subject.tasks):
        yield ("default_args",), subject.data.get("default_args")


def _read(value: Any) -> Any:
    return value.as_scalar() if isinstance(value, EnvText) and value.whole else value


CONDITIONS = ("run_if", "skip_if")


def check_conditions(subject: Subject) -> Iterator[Diagnostic]:
    """Conditions that exclude each other, and texts that are the same in every run."""
    if not subject.may_hold(*CONDITIONS):
        return
    for task in subject.tasks:
        if task.path == ("poll",):
            continue
        if all(isinstance(task.entry.get(key), str) for key in CONDITIONS):
            yield subject.finding(
                Code.BAD_CONDITION,
                (*task.path, "skip_if"),
                "`run_if` and `skip_if` exclude each other",
                at_key=True,
                help='one template can say both: `run_if: "{{ … and not … }}"`',
            )
        for key in CONDITIONS:
            text, path = task.entry.get(key), (*task.path, key)
            if isinstance(text, str) and "{{" not in text and "{%" not in text and not stands_at(subject, path):
                yield subject.finding(
                    Code.BAD_CONDITION,
                    path,
                    f"`{key}` is a template, and this text is the same in every run",
                    help=f'write what is asked in `{{{{ }}}}`: `{key}: "{{{{ {_inside(text)} }}}}"`',
                )


def _inside(text: str) -> str:
    short = text.strip()
    return short if short and short.isprintable() and "{" not in short else "params.full"


def check_retry_policies(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """Names that are no exceptions of Python's own, and paths behind which there is nothing."""
    if not subject.may_hold("retry_policy"):
        return
    for path, policy in _policies(subject):
        rules = policy.get("rules")
        for index, rule in enumerate(rules if isinstance(rules, list) else ()):
            named = rule.get("exception") if isinstance(rule, dict) else None
            place = (*path, "rules", index, "exception")
            several = [((*place, i), name) for i, name in enumerate(named)] if isinstance(named, list) else None
            for where, name in several if several is not None else [(place, named)]:
                if isinstance(name, str):
                    yield from _exception(subject, where, name, reader)


def _policies(subject: Subject) -> Iterator[tuple[DataPath, dict[str, Any]]]:
    holders: list[tuple[DataPath, Any]] = [(("default_args",), subject.data.get("default_args"))]
    for entry in subject.entries:
        holders += [(entry.path, entry.entry), ((*entry.path, "default_args"), entry.entry.get("default_args"))]
    for path, holder in holders:
        policy = holder.get("retry_policy") if isinstance(holder, dict) else None
        if isinstance(policy, dict):
            yield (*path, "retry_policy"), policy


def _exception(subject: Subject, path: DataPath, name: str, reader: SourceReader) -> Iterator[Diagnostic]:
    own = tuple(n for n, v in vars(builtins).items() if isinstance(v, type) and issubclass(v, BaseException))
    found = reader.find(name) if "." in name else None
    is_missing = isinstance(found, ModuleMissing | NameMissing)
    if isinstance(name, EnvText):
        if is_missing or (name and found is None and name not in own):
            message = f"what `{name.expression}` gives names no exception"
            yield subject.finding(Code.VARIABLE_DOES_NOT_FIT, path, message)
    elif isinstance(found, ModuleMissing | NameMissing):
        yield no_callable(subject, path, found)
    elif name and found is None and name not in own:
        yield subject.finding(
            Code.UNKNOWN_NAME,
            path,
            f"Python has no exception `{name}` of its own",
            caret=meant(name, own),
            help="another one is written `module.Exception`",
            fix=typo_fix(name, own),
        )
