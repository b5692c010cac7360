"""Text from a user's file as a terminal may show it, and how many columns of the terminal it takes.

Unicode Standard Annex 11 for the width of a character, Technical Standard 51 for what makes one emoji of several.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple, TextIO

from schemas.findings.codes import Severity
from schemas.findings.diagnostics import USED, Diagnostic

_ZERO_WIDTH_JOINER = "\u200d"  # inside emoji; not printable by Unicode's word, and harmless
_AS_EMOJI = "\ufe0f"
_CREDENTIALS = r"(?<=://)(?:[^/@:\s'\"]*:[^\s'\"]*|(?<=http://|ttps://)[^/@\s'\"]+)@"
"""A name and a password in a URL, or a token before the host."""


def columns(text: str) -> int:
    """The width of a text without tabs and control characters."""
    if text.isascii():
        return len(text)
    total = 0
    before = ""
    flag_begun = False
    for character in text:
        is_flag = "\U0001f1e6" <= character <= "\U0001f1ff"
        if character == _AS_EMOJI:
            total += 2 - _width(before) if before and _width(before) == 1 and not before.isascii() else 0
        elif not (before == _ZERO_WIDTH_JOINER and unicodedata.category(character) == "So") and not (
            is_flag and flag_begun
        ):
            total += 2 if is_flag else _width(character)
        flag_begun = is_flag and not flag_begun
        before = character
    return total


def without_credentials(text: str) -> str:
    """The text without what URLs in it prove who asks by."""
    return re.sub(_CREDENTIALS, "***@", text)


def padded(text: str, width: int) -> str:
    """The text with blanks behind it, so that it takes at least so many columns."""
    return text + " " * (width - columns(text))


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf") or _is_joined_jamo(character) or _is_skin(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _is_joined_jamo(character: str) -> bool:
    """Vowels and last consonants of Hangul that is written in parts, as macOS writes file names."""
    return "\u1160" <= character <= "\u11ff" or "\ud7b0" <= character <= "\ud7ff"


def _is_skin(character: str) -> bool:
    """A colour of skin, which changes the emoji before it."""
    return "\U0001f3fb" <= character <= "\U0001f3ff"


def wants_colour(stream: TextIO) -> bool:
    """Whether text for `stream` may hold colours."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "") not in ("", "0"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


LONGEST = 500


def printable(text: str) -> str:
    """Tabs as four spaces, and nothing that breaks the line or moves the cursor."""
    return "".join("    " if c == "\t" else c if c.isprintable() or c == _ZERO_WIDTH_JOINER else "�" for c in text)


def phrase(text: str) -> str:
    """A message on one line; values that it quotes may be long."""
    return printable(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


def sentence(diagnostic: Diagnostic) -> str:
    """Message, hint, and who uses it from another file, on one line."""
    hint = f" ({phrase(diagnostic.caret)})" if diagnostic.caret else ""
    used = users(diagnostic)
    return f"{phrase(diagnostic.message)}{hint}{f' [used at {used}]' if used else ''}"


def users(diagnostic: Diagnostic) -> str:
    """The places that use what a finding is about, such as a template or a default, unless all are in its file."""
    used = [r for r in diagnostic.related if r.message == USED]
    shown = used if any(r.file != diagnostic.file for r in used) else ()
    return ", ".join(dict.fromkeys(f"{printable(r.file)}:{r.span.line}" for r in shown))


def paragraph(diagnostic: Diagnostic) -> str:
    """The same, and below it the help and what is allowed."""
    lines = [sentence(diagnostic)]
    if diagnostic.help:
        lines.append(f"help: {phrase(diagnostic.help)}")
    if diagnostic.allowed:
        lines.append(f"allowed: {phrase(allowed_words(diagnostic))}")
    return "\n".join(lines)


LONG = 10
"""Words; with more, a list hides the few that matter."""
_NEAREST = 6
_MEANT = r"did you mean `(?P<word>[^`]+)`\?"


def allowed_words(diagnostic: Diagnostic) -> str:
    """All of a short list; of a long one those near to what was meant, where that is known."""
    words = diagnostic.allowed
    meant = re.fullmatch(_MEANT, diagnostic.caret)
    if len(words) <= LONG or meant is None:
        return ", ".join(words)
    near = sorted(words, key=lambda word: SequenceMatcher(None, meant["word"], word).ratio(), reverse=True)[:_NEAREST]
    return f"{', '.join(word for word in words if word in near)}, … ({len(words)} in all)"


_ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def repository_path(file: str) -> str:
    """The POSIX path of a shown file below the checkout of a CI job; as it is outside of one."""
    root = next((os.environ[name] for name in _ROOTS if os.environ.get(name)), None)
    place = os.path.realpath(file)
    if root is None or not place.startswith(f"{os.path.realpath(root)}{os.sep}"):
        return file.replace(os.sep, "/")
    return os.path.relpath(place, os.path.realpath(root)).replace(os.sep, "/")


class Summary(NamedTuple):
    pipelines: int
    errors: int
    warnings: int
    notes: int
    templates: int = 0

    @classmethod
    def of(cls, diagnostics: Sequence[Diagnostic], pipelines: int, templates: int = 0) -> Summary:
        errors, warnings, notes = (sum(d.severity is severity for d in diagnostics) for severity in Severity)
        return cls(pipelines, errors, warnings, notes, templates)

    def text(self) -> str:
        """One line for a person: "2 pipelines checked: 1 error, 2 warnings"."""
        counts = ((self.errors, "error"), (self.warnings, "warning"), (self.notes, "note"))
        found = [counted(number, noun) for number, noun in counts if number]
        templates = f" and {counted(self.templates, 'template')}" if self.templates else ""
        return f"{counted(self.pipelines, 'pipeline')}{templates} checked: {', '.join(found) or 'all good'}"


def counted(number: int, one: str, several: str = "") -> str:
    """A number of things: `1 row`, `2,000 rows`, `3 retries`. `several`: what more than one are called."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def markdown_code(value: str) -> str:
    """A value as code in Markdown."""
    fence = "``" if "`" in value else "`"
    return f"{fence}{value}{fence}"


def markdown_text(line: str) -> str:
    """Text from a user's file, shown as it is: no HTML, no mention, no link of it becomes one. Code has no escapes."""
    if "``" in line:
        return _escaped(line.strip().replace("`", "'"))
    parts = re.split(r"(`[^`]+`)", line.strip())
    return "".join(part if part[:1] == part[-1:] == "`" and len(part) > 1 else _escaped(part) for part in parts)


def _escaped(text: str) -> str:
    kept = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "@\u200b")
    return re.sub(r"[\\\[|*_]", r"\\\g<0>", kept)
