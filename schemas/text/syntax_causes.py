"""Where a syntax error began, when the parser stopped further down: at a missing `:` or closing quote; what only needs
quotes, and characters that no YAML text may hold."""

from __future__ import annotations

import re
import unicodedata
from itertools import islice
from typing import NamedTuple

import yaml
from yaml.reader import ReaderError

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Fix, Span
from schemas.text.lines import TextLines

_KEY_WITHOUT_COLON = re.compile(r"^\s*(?:-\s+)*(?P<key>[\w$-]+)(?P<rest>\s+\S.*)?$")
_NO_SPACE = re.compile(r"^\s*(?:-\s+)*[\w$-]+(?P<colon>:)(?!/)[^\s:]")
_NO_SPACE_BEHIND_DASH = re.compile(r"^\s*(?P<dash>-)[A-Za-z_$][\w$-]*:(?:\s|$)")
_BLOCK_TEXT = re.compile(r":\s+[|>][+-]?\d?[+-]?\s*(?:#.*)?$")
_DASH_LIKE = re.compile("[ ]*(?P<dash>[\u2010-\u2015\u2212])[ ]")
_SPACES = "\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000\ufeff"
_WITHOUT_WIDTH = ("\u200b", "\ufeff")
_UNLIKE_YAML = re.compile(
    rf"[ ]*(?:-[ ]+)*(?:(?:-|[\w$-]+:)?(?P<space>[{_SPACES}](?:[ ]*[{_SPACES}])*)|[\w$-]+[ ]?(?P<colon>\uff1a))"
)
"""A space where only YAML's own indents or separates, or a full-width colon behind a key."""
_KEY_AND_TEXT = re.compile(r"[ ]*(?:-[ ]+)*(?P<key>[\w$][\w$-]*): +[^\s'\"|>\[{&*!].*")
_KEY = re.compile(r"[ ]*(?P<key>[\w$][\w$-]*):(?: |$)")
_MOST_LINES = 500
_COLON_PROBLEMS = ("could not find expected ':'", "mapping values are not allowed in this context")


class Cause(NamedTuple):
    """What is wrong, from index `start` to `end` of the text; `replacement` fixes it. `assumed`: a range and what
    probably belongs there, if that is not certain."""

    why: str
    start: int
    end: int
    replacement: str | None = None
    assumed: tuple[int, int, str] | None = None


def cause(error: yaml.MarkedYAMLError, text: str) -> Cause | None:
    """Where the parser's error really began; None if the parser stopped there."""
    return _look_alike(error, text) or _open_quote(error, text) or _too_deep(error, text) or _colon(error, text)


def _look_alike(error: yaml.MarkedYAMLError, text: str) -> Cause | None:
    """A space or a colon of another script, on a line that the parser names or the one above where it stopped."""
    marks = [mark.index for mark in (error.problem_mark, error.context_mark) if mark is not None]
    starts = {text.rfind("\n", 0, index) + 1 for index in marks}
    for start in sorted({*starts, *(_line_above(text, start) for start in starts)}):
        match = _UNLIKE_YAML.match(text, start)
        if match is not None:
            group = match.lastgroup or ""
            at, found = match.start(group), match[group]
            end, first = match.end(group), found[0]
            why = f"this {unicodedata.name(first, 'space').lower()} (U+{ord(first):04X}) is not YAML's"
            plain = ":" if group == "colon" and text[end : end + 1] in (" ", "\n") else ": "
            if group == "space":
                is_nothing = not text[start:at].strip() or text[end : end + 1] == " "
                wide = found.replace("\u3000", "  ")
                plain = "".join("" if is_nothing and sign in _WITHOUT_WIDTH else " " for sign in wide)
            return Cause(why, at, end, plain)
    return None


def _too_deep(error: yaml.MarkedYAMLError, text: str) -> Cause | None:
    """A key that is indented more than the one above, whose text it continues."""
    mark = error.problem_mark
    if error.problem != _COLON_PROBLEMS[1] or mark is None:
        return None
    start = text.rfind("\n", 0, mark.index) + 1
    begin = _line_above(text, start)
    key, above = _KEY.match(text, start), _KEY_AND_TEXT.match(text, begin)
    if key is None or above is None or start == begin:
        return None
    column = above.start("key") - begin
    if key.start("key") - start <= column:
        return None
    why = f"this line continues the text of `{above['key']}`: indent it like `{above['key']}`"
    return Cause(why, key.start("key"), key.end("key"), assumed=(start, key.start("key"), " " * column))


def _colon(error: yaml.MarkedYAMLError, text: str) -> Cause | None:
    """A line that should be `key: value`, the parser's context or the line above where it stopped."""
    mark = error.problem_mark
    if error.problem not in _COLON_PROBLEMS or mark is None:
        return None
    if error.context_mark is not None and error.context_mark.line < mark.line:
        start = text.rfind("\n", 0, error.context_mark.index) + 1
    else:
        start = _line_above(text, text.rfind("\n", 0, mark.index) + 1)
    line = text[start:].split("\n", 1)[0].split(" #", 1)[0].rstrip()
    above = text[_line_above(text, start) :].split("\n", 1)[0]
    if start > 0 and _BLOCK_TEXT.search(above) and _indent(line) <= _indent(above):
        begin = start + _indent(line)
        why = "the lines of a text after `|` or `>` must be indented more than its key"
        return Cause(why, begin, start + len(line))
    for at in (start, text.rfind("\n", 0, mark.index) + 1):
        if match := _DASH_LIKE.match(text, at):
            begin = match.start("dash")
            return Cause(f"`{match['dash']}` looks like the `-` of a list, but is not", begin, begin + 1, "-")
    left = _text_left(text, start, _indent(line))
    if left is not None:
        begin = start + _indent(line)
        why = f"this line ends the text that begins on line {left}: should it be indented like the line above?"
        return Cause(why, begin, start + len(line))
    if match := _NO_SPACE_BEHIND_DASH.match(line):
        at = start + match.start("dash")
        return Cause("a space is missing after the `-`", at, at + 1, "- ")
    if match := _NO_SPACE.match(line):
        at = start + match.start("colon")
        return Cause("a space is missing after the `:`", at, at + 1, ": ")
    if match := _KEY_WITHOUT_COLON.match(line):
        begin, end = start + match.start("key"), start + match.end("key")
        equals = len(match["rest"] or "") - len((match["rest"] or "").lstrip().removeprefix("="))
        rest = (match["rest"] or "").lstrip().startswith("=")
        return Cause("a `:` is missing after this key", begin, end, assumed=(end, end + equals if rest else end, ":"))
    return None


def _text_left(text: str, start: int, indent: int) -> int | None:
    """The number of the line whose `|` or `>` began the text that the line at `start` follows."""
    above = text[:start].split("\n")[:-1]
    inner: int | None = None
    for number, line in islice(zip(range(len(above), 0, -1), reversed(above), strict=True), _MOST_LINES):
        if not line.strip():
            continue
        if inner is not None and _BLOCK_TEXT.search(line) and indent <= _indent(line) < inner:
            return number
        if _indent(line) <= indent:
            return None
        inner = _indent(line) if inner is None else min(inner, _indent(line))
    return None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _line_above(text: str, start: int) -> int:
    """The beginning of the last line above `start` that is more than a comment."""
    while start > 0:
        start = text.rfind("\n", 0, start - 1) + 1
        line = text[start:].split("\n", 1)[0].strip()
        if line and not line.startswith("#"):
            break
    return start


def _open_quote(error: yaml.MarkedYAMLError, text: str) -> Cause | None:
    """A quoted value over several lines that ends on the line where the parser stopped: the next quote closed it."""
    mark = error.problem_mark
    if mark is None:
        return None
    for start, end, end_line in reversed(_quoted_over_lines(text)):
        if end <= mark.index and end_line == mark.line:
            why = f"this quote is not closed on its line; the next quote, on line {end_line + 1}, closes it"
            behind = len(text[start:].split("\n", 1)[0].split(" #", 1)[0].rstrip())
            return Cause(why, start, start + 1, assumed=(start + behind, start + behind, text[start]))
    return None


def _quoted_over_lines(text: str) -> list[tuple[int, int, int]]:
    """Start, end and last line of quoted values over several lines, up to the error. Events need no recursion."""
    found = []
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.ScalarEvent) and event.style in ('"', "'"):
                begin, end = event.start_mark, event.end_mark
                if begin is not None and end is not None and begin.line < end.line:
                    found.append((begin.index, end.index, end.line))
    except yaml.YAMLError:
        pass  # the error that is being explained
    return found


def needs_quotes(file: str, text: str, span: Span, value: str, why: str, code: Code = Code.NEEDS_QUOTES) -> Diagnostic:
    """The diagnostic for a value that only needs quotes, with the quoting as its fix."""
    quoted = _quote(value)
    return Diagnostic(
        code,
        why,
        file,
        span,
        caret="put it in quotes",
        help=f"write: {quoted}",
        fix=Fix(span, quoted),
        text=text,
    )


def _quote(value: str) -> str:
    if '"' in value or "\\" in value:
        return "'" + value.replace("'", "''") + "'"
    return f'"{value}"'


def unprintable(error: ReaderError, text: str, lines: TextLines, file: str) -> Diagnostic:
    """YAML 1.2.2, section 5.1: control characters are not part of a YAML text, except tab and line breaks."""
    index = next((i for i, char in enumerate(text) if not _printable(char)), 0)
    char = text[index : index + 1]
    message = f"the character U+{ord(char):04X} is not allowed in YAML" if char else str(error.reason)
    return Diagnostic(Code.YAML_SYNTAX, message, file, lines.span(index, index + 1), text=text)


def _printable(char: str) -> bool:
    point = ord(char)
    return (
        char in "\t\n\r\x85"
        or 0x20 <= point <= 0x7E
        or 0xA0 <= point <= 0xD7FF
        or (0xE000 <= point <= 0xFFFD and point != 0xFEFF)
        or point >= 0x10000
    )
