"""Where a project's policy is: `[policy]` in factory.toml, `[tool.pipeline-factory.policy]` in pyproject.toml."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Span
from schemas.findings.suggestions import meant
from schemas.rules.team_policy import Policy, SettingProblem, policy
from schemas.text.lines import TextLines

_TABLES = {"factory.toml": (), "pyproject.toml": ("tool", "pipeline-factory")}
"""File → the table that is ours, the first that is there first."""
_PARTS = ("policy",)
_HEADER = re.compile(r"[ \t]*\[[ \t]*(?P<names>[^\[\]\n]+?)[ \t]*\]")
_SETTING = re.compile(r"[ \t]*(?P<key>[^=\s#\[][^=\n]*?)[ \t]*=")


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
            header = _HEADER.match(line)
            setting = None if header else _SETTING.match(line)
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
