"""Templates and expressions that are opened and not closed, and those of another tool."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schemas.codes import Code
from schemas.data_path import DataPath
from schemas.diagnostics import Diagnostic
from schemas.environment import EnvText, is_documentation
from schemas.rules.conditions import CONDITIONS
from schemas.subject import Subject

_PAIRS = (("{{", "}}"), ("{%", "%}"), ("{#", "#}"))
_OPENED = re.compile(r"\$\{(?:env|vars|matrix|tasks)\.[^\s{}\"']*")
_GITHUB = "${{"


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Jinja would raise when the task runs; an expression of ours would go to the task as text."""
    if not subject.may_hold("{{", "{%", "${"):
        return
    for path, text in subject.texts:
        if "{" not in text or isinstance(text, EnvText) or is_documentation(path):
            continue
        yield from _expressions(subject, path, text)
        if path[0] == "poll" or "with" in path or path[-1] in CONDITIONS:
            yield from _templates(subject, path, text)


def _expressions(subject: Subject, path: DataPath, text: str) -> Iterator[Diagnostic]:
    at = text.find(_GITHUB)
    if at >= 0:
        yield subject.finding(
            Code.BAD_EXPRESSION,
            path,
            "`${{ … }}` is GitHub's",
            help="write `${…}` for a value that is known when the file is read, `{{ … }}` for one of the run",
            part=(at, at + len(_GITHUB)),
        )
        return
    for match in _OPENED.finditer(text):
        if text[match.end() : match.end() + 1] != "}" and not text.startswith("$", match.start() - 1):
            rest = text[match.end() :]
            if "}" in rest.split("${", 1)[0]:
                continue  # closed further on: what stands inside is read as an expression
            yield subject.finding(
                Code.BAD_EXPRESSION,
                path,
                f"`{match.group()}` is not closed",
                caret="a `}` is missing",
                part=match.span(),
            )


def _templates(subject: Subject, path: DataPath, text: str) -> Iterator[Diagnostic]:
    position = 0
    while True:
        found = min(((text.find(opening, position), opening, closing) for opening, closing in _PAIRS), key=_order)
        start, opening, closing = found
        if start < 0:
            return
        end = text.find(closing, start + 2)
        if end < 0:
            if opening != "{#":  # shells have `${#NAME}`
                yield subject.finding(
                    Code.TEMPLATE_NOT_CLOSED,
                    path,
                    f"`{opening}` is not closed",
                    caret=f"a `{closing}` is missing",
                    part=(start, start + 2),
                )
            return
        position = end + 2


def _order(found: tuple[int, str, str]) -> int:
    return found[0] if found[0] >= 0 else 2**31
