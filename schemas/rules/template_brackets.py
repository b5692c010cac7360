"""Templates and expressions that are opened and not closed, and those of another tool."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schemas.expressions.templates import tags
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.rules.conditions import CONDITIONS
from schemas.rules.subject import Subject

_COUNT_IN_SHELL = (
    "the shell's `${#…}` begins a comment for Jinja: write `{% raw %}` before it and `{% endraw %}` behind it"
)
_OPENED = re.compile(r"\$\{(?:env|vars|matrix|tasks)\.[^\s{}\"']*")
_SHELL_VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>[A-Za-z_]\w*)\}")
_GITHUB = "${{"


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Jinja would raise when the task runs; an expression of ours would go to the task as text."""
    if not subject.may_hold("{{", "{%", "{#", "${"):
        return
    for path, text in subject.template_texts:
        yield from _expressions(subject, path, text)
        yield from _shell_variable_in_url(subject, path, text)
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


def _shell_variable_in_url(subject: Subject, path: DataPath, text: str) -> Iterator[Diagnostic]:
    """Text in `${ }` stays as it is, which a shell needs and no URL does."""
    match = _SHELL_VARIABLE.search(text)
    if match is None or path[-1] != "url" or not (path[0] == "poll" or "with" in path):
        return
    yield subject.finding(
        Code.BAD_EXPRESSION,
        path,
        f"`{match.group()}` is text here, which no URL holds",
        caret=f"did you mean `${{env.{match['name']}}}`?",
        part=match.span(),
    )


def _templates(subject: Subject, path: DataPath, text: str) -> Iterator[Diagnostic]:
    for tag in tags(text):
        if not tag.is_closed:
            yield subject.finding(
                Code.TEMPLATE_NOT_CLOSED,
                path,
                f"`{tag.opening}` is not closed",
                caret=f"a `{tag.closing}` is missing",
                help=_COUNT_IN_SHELL if tag.opening == "{#" and text.startswith("$", tag.start - 3) else "",
                part=(tag.start - 2, tag.start),
            )
