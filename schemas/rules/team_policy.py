"""The rules that a team gives itself; off until a project file says them. docs/lint.md describes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from schemas.findings.suggestions import did_you_mean, nearest
from schemas.model.pipeline import Pipeline
from schemas.model.times import DURATION_FORMS, parse_duration

LONGEST_INTERVAL = timedelta(days=1)


class Policy(NamedTuple):
    """What every pipeline must be. Patterns of `uses` and hosts are those of a shell (`*`, `?`, `[…]`)."""

    require: tuple[str, ...] = ()
    min_retries: int = 0
    dag_id_pattern: re.Pattern[str] | None = None
    shortest_interval: timedelta = timedelta(0)
    allowed_uses: tuple[str, ...] | None = None
    forbidden_uses: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] | None = None


class SettingProblem(NamedTuple):
    """What is wrong with the setting `key`; `value` is the part of its value that is, where it is one text of many."""

    key: str
    message: str
    caret: str = ""
    allowed: tuple[str, ...] = ()
    value: str | None = None


class _WrongError(Exception):
    def __init__(self, message: str, caret: str = "", allowed: tuple[str, ...] = (), value: str | None = None) -> None:
        super().__init__(message)
        self.message, self.caret, self.allowed, self.value = message, caret, allowed, value


def policy(table: Mapping[str, Any]) -> tuple[Policy, list[SettingProblem]]:
    """The policy of a TOML table without what is wrong in it, and what that is."""
    values: dict[str, Any] = {}
    problems = []
    for key, value in table.items():
        read = _SETTINGS.get(key)
        if read is None:
            near = did_you_mean(nearest(key.replace("_", "-"), _SETTINGS))
            problems.append(SettingProblem(key, f"there is no setting `{key}`", near, tuple(_SETTINGS)))
            continue
        try:
            values[key.replace("-", "_")] = read(value)
        except _WrongError as wrong:
            message = f"`{key}` {wrong.message}"
            problems.append(SettingProblem(key, message, wrong.caret, wrong.allowed, wrong.value))
    return Policy(**values), problems


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise _WrongError("must be a list of texts")
    return tuple(value)


def _keys(value: Any) -> tuple[str, ...]:
    known = tuple(sorted(field.alias or name for name, field in Pipeline.model_fields.items()))
    for key in _texts(value):
        if key not in known:
            raise _WrongError(f"names `{key}`, which no pipeline has", did_you_mean(nearest(key, known)), known, key)
    return tuple(value)


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _WrongError("must be a whole number, 0 or more")
    return value


def _pattern(value: Any) -> re.Pattern[str]:
    if not isinstance(value, str):
        raise _WrongError("must be a text")
    try:
        return re.compile(value)
    except re.error as error:
        raise _WrongError(f"is not a regular expression: {error.msg}") from None


def _interval(value: Any) -> timedelta:
    try:
        duration = parse_duration(value) if isinstance(value, str) else None
    except ValueError:
        duration = None
    if duration is None:
        raise _WrongError(f"must be a duration: {DURATION_FORMS}")
    if duration > LONGEST_INTERVAL:
        raise _WrongError("must be at most 1d")
    return duration


_SETTINGS: Mapping[str, Callable[[Any], Any]] = {
    "require": _keys,
    "min-retries": _count,
    "dag-id-pattern": _pattern,
    "shortest-interval": _interval,
    "allowed-uses": _texts,
    "forbidden-uses": _texts,
    "allowed-hosts": _texts,
}
