"""Texts: `$NAME` → `${env.NAME}`."""

from __future__ import annotations

import re

from schemas.compose.env_values import is_airflows_own, looks_like_secret
from schemas.dagfactory.convert.context import Conversion
from schemas.dagfactory.scalars import VARIABLE
from schemas.findings.paths import DataPath

_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
_OURS = re.compile(r"\$\{(?=[^{}]*\})")
_OF_A_SHELL = frozenset(
    {"arguments", "bash_command", "cmds", "command", "commands", "doc", "doc_md", "script", "sql", "templates_dict"}
)
"""Arguments in which an unset `$NAME` is most likely a shell's or a database's, and nobody need hear of it."""


def converted(conversion: Conversion, path: DataPath, text: str) -> str:
    """The text in this project's words; what is said about its variables is in the conversion's findings."""
    if "$" not in text:
        return text
    parts: list[str] = []
    end = 0
    for match in VARIABLE.finditer(text):
        parts += (_literal(text[end : match.start()]), _variable(conversion, path, match))
        end = match.end()
    return "".join((*parts, _literal(text[end:])))


def fixed(conversion: Conversion, path: DataPath, text: str) -> str:
    """The text for a place that takes no `${env.…}`: the values that variables have now."""
    found = [m for m in VARIABLE.finditer(text) if _name(m) in conversion.environ]
    if not found:
        return text
    conversion.lost(
        path,
        f"a variable cannot stand in `{path[-1]}`: its value of now is written",
        help="`environments` and `vars` hold what differs from one place to another",
    )
    return VARIABLE.sub(lambda m: conversion.environ.get(_name(m), m[0]), text)


def expanded(conversion: Conversion, text: str) -> str:
    """The text as dag-factory would have it here and now."""
    return VARIABLE.sub(lambda m: conversion.environ.get(_name(m), m[0]), text)


def _name(match: re.Match[str]) -> str:
    name: str = match["plain"] if match["plain"] is not None else match["braced"]
    return name


def _variable(conversion: Conversion, path: DataPath, match: re.Match[str]) -> str:
    name = _name(match)
    is_set = name in conversion.environ
    if not is_set:
        if _NAME.fullmatch(name) is not None and _OF_A_SHELL.isdisjoint(map(str, path)):
            conversion.changed(
                path,
                f"`{name}` is not set here, so it stays text, as dag-factory leaves it",
                help=f"set it and convert again, or write `${{env.{name}}}`",
                at_key=False,
            )
        return _literal(match[0])
    if match.string[: match.start()].endswith("$"):
        conversion.lost(path, f"`${match[0]}` has no like here: the value of now is written", at_key=False)
        return conversion.environ[name]
    if looks_like_secret(name) or is_airflows_own(name):
        conversion.lost(
            path,
            f"`{name}` looks like a secret, which this project's language takes from no variable",
            help="keep it in an Airflow connection or Variable: `{{ conn.NAME.password }}`, `{{ var.value.NAME }}`",
            at_key=False,
        )
        return _literal(match[0])
    return f"${{env.{name}}}"


def _literal(text: str) -> str:
    return _OURS.sub("$${", text)
