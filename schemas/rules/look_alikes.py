"""Characters that look like others: typographic quotes, and spaces that nobody sees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from schemas.compose.env_values import EnvText
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, has_errors
from schemas.rules.subject import Subject

_QUOTES = {
    "\u201c": "\u201d",
    "\u201e": "\u201c\u201d",
    "\u2018": "\u2019",
    "\u201a": "\u2018\u2019",
    "\u00ab": "\u00bb",
}
_UNSEEN = re.compile("[\u00a0\u200b\u200c\u2060\ufeff\x00]")
_NAMES = {
    "\u00a0": "no-break space",
    "\u200b": "zero-width space",
    "\u200c": "zero-width non-joiner",
    "\u2060": "word joiner",
    "\ufeff": "zero-width no-break space",
    "\x00": "null character",
}
_WINDOWS_PATH = re.compile(r"[A-Z]:[^\s\\/]*[\n\t\r\f\v\a\b]")


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Where such a character makes a key or a value another one than it looks like."""
    if all(layer.text.isascii() for layer in subject.effective.layers) and not subject.may_hold("\\"):
        return
    for path in subject.keys:
        found = _UNSEEN.search(str(path[-1]))
        if found is not None:
            message = f"this key holds a {_NAMES[found.group()]} (U+{ord(found.group()):04X}), an invisible character"
            yield subject.finding(Code.LOOK_ALIKE, path, message, at_key=True, help="type the key again")
    for path, text in subject.texts:
        if isinstance(text, EnvText) or (text.isascii() and text.isprintable()):
            continue
        if len(text) > 1 and text[-1] in _QUOTES.get(text[0], ""):
            yield subject.finding(
                Code.LOOK_ALIKE,
                path,
                f"`{text[0]}` and `{text[-1]}` are part of the value: YAML's quotes are \" and '",
                caret="did you mean straight quotes?",
            )
        if _WINDOWS_PATH.match(text) is not None:
            message = "in double quotes a backslash and a letter are a line break, a tab or the like"
            yield subject.finding(Code.LOOK_ALIKE, path, message, caret="use single quotes")
        found = _UNSEEN.search(text)
        if found is not None and (" " not in text.strip() or "\x00" in text):
            message = f"this value holds a {_NAMES[found.group()]} (U+{ord(found.group()):04X}), an invisible character"
            yield subject.finding(Code.LOOK_ALIKE, path, message, help="type the value again", part=found.span())


def without_echoes(findings: list[Diagnostic]) -> list[Diagnostic]:
    """Findings without those about the same text as one of this rule's, which explains them and is as severe."""
    own = [finding for finding in findings if finding.code is Code.LOOK_ALIKE]
    if not own:
        return findings
    echoes = [f for f in findings if f.code is not Code.LOOK_ALIKE and any(_overlap(f, other) for other in own)]
    return [finding for finding in findings if finding not in echoes and finding not in own] + [
        replace(finding, severity=Severity.ERROR) if has_errors(e for e in echoes if _overlap(e, finding)) else finding
        for finding in own
    ]


def _overlap(one: Diagnostic, other: Diagnostic) -> bool:
    a, b = one.span, other.span
    return one.file == other.file and a.line == b.line and a.column < b.end_column and b.column < a.end_column
