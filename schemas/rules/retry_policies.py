"""Exceptions that a `retry_policy` names."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import Any

from schemas.compose.env_values import EnvText
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.problem import typo_fix
from schemas.findings.suggestions import meant
from schemas.rules.missing_code import no_callable
from schemas.rules.subject import Subject
from schemas.source import ModuleMissing, NameMissing, SourceReader


def check(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
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
