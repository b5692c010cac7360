"""`# factory: ignore[CODE] reason`: silences a finding on its line, or, alone on a line, on the line below."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import islice
from typing import NamedTuple

from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import MOST, Diagnostic, Span, more_like
from schemas.findings.suggestions import meant
from schemas.text.document import Document
from schemas.text.lines import TextLines

MARK = "factory:"

IGNORABLE_ERRORS = frozenset(
    {
        # The DAG is built without importing functions, rendering templates or opening files.
        Code.UNKNOWN_MODULE,
        Code.UNKNOWN_NAME,
        Code.UNKNOWN_ARGUMENT,
        Code.MISSING_ARGUMENT,
        Code.HIDDEN_MODULE,
        Code.NOT_CALLABLE,
        Code.PYTHON_SYNTAX,
        Code.TEMPLATE_NOT_CLOSED,
        Code.BAD_TEMPLATE,
        Code.MISSING_FILE,
        # What looks like a secret may not be one.
        Code.SECRET_VARIABLE,
        Code.SECRET_IN_URL,
        Code.LITERAL_SECRET,
    }
)
"""Errors that do not stop the build. These can be ignored, and those of the policy (`PF5…`), but no others."""

_COMMENT = (
    r"#[ \t]{0,20}factory:[ \t]{0,20}(?:ignore\b|(?P<other>\w{1,20})(?=\[))(?P<list>\[(?P<codes>[^\]\n]{0,500})\])?"
)
_NAME = re.compile(r"[^\s,]+")
_MOST_SUGGESTIONS = 20
"""In one file: each is a comparison with every name."""
_FORM = "write `# factory: ignore[CODE] reason`"


class _Ignore(NamedTuple):
    """One code of a comment, written at `span`; it applies to findings on `line`."""

    code: Code
    span: Span
    line: int


def silenced(findings: Sequence[Diagnostic], layers: Sequence[Document], *, report_unused: bool) -> list[Diagnostic]:
    """The findings that no comment silences, and the findings about the comments of the layers.

    `report_unused`: whether `findings` are all there can be, so that a comment of the last layer, the pipeline's own
    file, without one is a finding.
    """
    kept = list(findings)
    for layer in layers:
        if MARK not in layer.text or layer.diagnostics:
            continue
        ignores, wrong = _read(layer)
        there = {(finding.span.line, finding.code) for finding in findings if finding.file == layer.file}
        asked = {(ignore.line, ignore.code) for ignore in ignores}
        kept = [f for f in kept if f.file != layer.file or not _is_ignored(f, asked)] + wrong
        if report_unused and layer is layers[-1]:
            unused = (_unused(layer, ignore) for ignore in ignores if (ignore.line, ignore.code) not in there)
            kept += _first(unused)
    return kept


def _first(findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    """No other finding can follow these, so warnings are cut off too."""
    found = list(islice(findings, MOST))
    return [*found, more_like(found[-1])] if len(found) == MOST else found


def _is_ignored(finding: Diagnostic, asked: Set[tuple[int, Code]]) -> bool:
    return (finding.span.line, finding.code) in asked and _can_be_ignored(finding)


def _can_be_ignored(finding: Diagnostic) -> bool:
    """A warning can become an error if it keeps the DAG from being built, such as a required variable that is not
    set."""
    return finding.severity is not Severity.ERROR or _is_ignorable_error(finding.code)


def _is_ignorable_error(code: Code) -> bool:
    return code in IGNORABLE_ERRORS or code.id.startswith("PF5")


def _read(layer: Document) -> tuple[list[_Ignore], list[Diagnostic]]:
    lines = TextLines(layer.text)
    below = _lines_below(lines)
    ignores: list[_Ignore] = []
    wrong: list[Diagnostic] = []
    known = {name: code for code in Code for name in (code.id, code.slug)}
    for comment in re.finditer(_COMMENT, layer.text):
        if not _is_comment(layer, comment.start()):
            continue
        line, column = lines.position(comment.start())
        alone = not lines.line_text(line)[: column - 1].strip()
        for found in _codes(layer, lines, comment, known, suggest=len(wrong) < _MOST_SUGGESTIONS):
            if isinstance(found, Diagnostic):
                wrong.append(found)
                if len(wrong) == MOST:
                    return ignores, [*wrong, more_like(found)]
            else:
                code, span = found
                ignores.append(_Ignore(code, span, below[line] if alone else line))
    return ignores, wrong


def _is_comment(layer: Document, index: int) -> bool:
    before = layer.text[index - 1 : index]
    return before in ("", " ", "\t", "\n", "\r") and not layer.is_in_value(index)


def _codes(
    layer: Document, lines: TextLines, comment: re.Match[str], known: Mapping[str, Code], *, suggest: bool
) -> Iterator[tuple[Code, Span] | Diagnostic]:
    whole = lines.span(comment.start(), comment.end())
    line = lines.line_text(whole.line)
    if comment["other"]:
        message = f"unknown comment `factory: {comment['other']}`"
        yield _bad(layer, whole, message, caret=meant(comment["other"], ("ignore",)))
        return
    names = list(_NAME.finditer(layer.text, comment.start("codes"), comment.end("codes"))) if comment["list"] else []
    if not names:
        yield _bad(layer, whole, "the comment names no code")
        return
    if not line[whole.end_column - 1 :].strip():
        yield _bad(layer, whole, "the comment gives no reason")
    for name in names:
        span = lines.span(*name.span())
        code = known.get(name.group())
        if code is None:
            caret = meant(name.group(), [code.slug for code in Code]) if suggest else ""
            yield _bad(layer, span, f"there is no code `{name.group()}`", caret=caret)
        elif code.severity is Severity.ERROR and not _is_ignorable_error(code):
            yield _bad(layer, span, f"`{code.id}` keeps the DAG from being built, so it cannot be ignored")
        else:
            yield code, span


def _lines_below(lines: TextLines) -> list[int]:
    """For each line the next one that is neither blank nor a comment, else itself; the first item is for no line."""
    below = [0] * (lines.count + 1)
    following = None
    for number in range(lines.count, 0, -1):
        below[number] = following if following is not None else number
        text = lines.line_text(number).lstrip()
        if text and not text.startswith("#"):
            following = number
    return below


def _bad(layer: Document, span: Span, message: str, caret: str = "") -> Diagnostic:
    return Diagnostic(Code.BAD_IGNORE, message, layer.file, span, caret=caret, help=_FORM, text=layer.text)


def _unused(layer: Document, ignore: _Ignore) -> Diagnostic:
    return Diagnostic(
        Code.UNUSED_IGNORE,
        f"line {ignore.line} has no finding `{ignore.code.id}`, so there is nothing to ignore",
        layer.file,
        ignore.span,
        help="remove the comment",
        text=layer.text,
        severity=Code.UNUSED_IGNORE.severity,
    )
