"""The one line of a longer text that tells why something failed."""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST = 600
"""Characters of a reason: some exceptions hold a whole page."""

TRACEBACK = "Traceback (most recent call last):"
RAISED = re.compile(r"^(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Timeout|Interrupt|Exit)\b")
COMPLAINT = re.compile(r"\b(?:error|critical|fatal|exception)\b", re.IGNORECASE)
USUAL = re.compile(r"\[(?:info|debug)\b", re.IGNORECASE)


def cut(reason: str) -> str:
    """At most LONGEST characters, with `…` where something is missing."""
    return reason if len(reason) <= LONGEST else reason[: LONGEST - 1].rstrip() + "…"


def one_line(text: str) -> str:
    return " ".join(text.split())


def last_reason(lines: Sequence[str]) -> str:
    """Of a log: the last exception that was raised, else the last line that complains, else the last line.

    Empty where the log ends with business as usual.
    """
    told = [line for line in lines if line.strip()]
    for pattern in (RAISED, COMPLAINT):
        found = [line for line in told if pattern.search(line)]
        if found:
            return one_line(found[-1])
    return one_line(told[-1]) if told and not USUAL.search(told[-1]) else ""


def first_reason(text: str) -> str:
    """Of an error message: what the last traceback in it ended with, else its first line."""
    lines = [line for line in text.splitlines() if line.strip()]
    if any(line.strip() == TRACEBACK for line in lines):
        begin = max(number for number, line in enumerate(lines) if line.strip() == TRACEBACK)
        # Frames are indented, the exception is not.
        lines = [line for line in lines[begin + 1 :] if not line[0].isspace()] or lines[-1:]
    return one_line(lines[0]) if lines else ""
