"""The rules that a team gives itself, and where a project says them: `[policy]` in factory.toml,
`[tool.pipeline-factory.policy]` in pyproject.toml. docs/lint.md describes them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Span
from schemas.findings.suggestions import did_you_mean, meant, nearest
from schemas.model.pipeline import Pipeline
from schemas.model.times import DURATION_FORMS, parse_duration
from schemas.text.lines import TextLines

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


_TABLES = {"factory.toml": (), "pyproject.toml": ("tool", "pipeline-factory")}
"""File → the table that is ours, the first that is there first."""
_PARTS = ("policy",)
_HEADER = r"[ \t]*\[[ \t]*(?P<names>[^\[\]\n]+?)[ \t]*\]"
_SETTING = r"[ \t]*(?P<key>[^=\s#\[][^=\n]*?)[ \t]*="


class ProjectPolicy(NamedTuple):
    """The policy that holds for a pipelines folder, and what is wrong in the file that says it."""

    policy: Policy | None
    diagnostics: tuple[Diagnostic, ...]


def project_policy(folder: Path) -> ProjectPolicy:
    """From the nearest file at or above a pipelines folder that has our table; the root of the repository is the last
    place that is looked at."""
    start = Path(os.path.abspath(folder))  # noqa: PTH100 # resolve() follows links
    for place in (start, *start.parents):
        for name, table in _TABLES.items():
            text = _text(place / name)
            if text is not None and (not table or table[-1] in text):
                found = _read(place / name, text, table)
                if found is not None:
                    return found
        if (place / ".git").exists():
            break
    return ProjectPolicy(None, ())


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None  # not there, or somebody else's: then it has no setting of ours


def _read(path: Path, text: str, table: tuple[str, ...]) -> ProjectPolicy | None:
    """None for a file without our table."""
    import tomllib  # noqa: PLC0415 # most projects have no policy

    shown = os.path.relpath(path)
    shown = shown if not shown.startswith("..") else str(path)
    places = _Places(text)
    try:
        ours: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, span = places.of_syntax_error(str(error))
        return ProjectPolicy(None, (Diagnostic(Code.BAD_SETTING, message, shown, span, text=text),))
    for name in table:
        ours = ours.get(name) if isinstance(ours, dict) else None
    if not isinstance(ours, dict):
        return None
    problems = [
        (table, SettingProblem(key, f"there is no table `{key}`", meant(key, _PARTS), _PARTS))
        for key in ours
        if key not in _PARTS
    ]
    settings = ours.get("policy", {})
    if not isinstance(settings, Mapping):
        return ProjectPolicy(
            None, (_diagnostic(shown, places, table, SettingProblem("policy", "`policy` must be a table")),)
        )
    read, wrong = policy(settings)
    problems += [((*table, "policy"), problem) for problem in wrong]
    return ProjectPolicy(read, tuple(_diagnostic(shown, places, where, problem) for where, problem in problems))


def _diagnostic(shown: str, places: _Places, table: tuple[str, ...], problem: SettingProblem) -> Diagnostic:
    return Diagnostic(
        Code.BAD_SETTING,
        problem.message,
        shown,
        places.of(table, problem.key, problem.value),
        caret=problem.caret,
        allowed=problem.allowed,
        text=places.text,
    )


class _Places:
    """Positions in a TOML text, which its reader does not keep."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._lines = TextLines(text)

    def of(self, table: tuple[str, ...], key: str, value: str | None) -> Span:
        """Where a key of a table is, or the text `value` after it; the top of the file where neither is found."""
        current: tuple[str, ...] = ()
        for number in range(1, self._lines.count + 1):
            line = self._lines.line_text(number)
            header = re.match(_HEADER, line)
            setting = None if header else re.match(_SETTING, line)
            if header is not None:
                current = _names(header["names"])
                if current == (*table, key):
                    return self._span(number, line.index(header["names"]), header["names"])
            elif setting is not None and (*current, *_names(setting["key"]))[: len(table) + 1] == (*table, key):
                if value is not None:
                    return self._value(number, setting.end(), value)
                return self._span(number, setting.start("key"), setting["key"])
        return Span(1, 1, 1, 2)

    def of_syntax_error(self, message: str) -> tuple[str, Span]:
        """tomllib's message without its place, and the place."""
        match = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
        if match is None:
            return f"not TOML: {message}", Span(1, 1, 1, 2)
        line, column = (int(match[1]), int(match[2])) if match[1] else self._lines.position(len(self.text))
        words = message[: match.start()]
        return f"not TOML: {words[:1].lower()}{words[1:]}", Span(line, column, line, column + 1)

    def _value(self, number: int, column: int, value: str) -> Span:
        """The text in quotes, on the line of its key or below it."""
        start = self._lines.line_start(number) + column
        found = next((at for mark in "\"'" if (at := self.text.find(f"{mark}{value}{mark}", start)) >= 0), start)
        return self._lines.span(found, found + len(value) + 2)

    def _span(self, number: int, index: int, text: str) -> Span:
        return Span(number, index + 1, number, index + 1 + len(text))


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(name.strip().strip("\"'") for name in dotted.split("."))
