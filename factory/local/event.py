"""One thing that happened, as the terminal shows it."""

from __future__ import annotations

from dataclasses import dataclass

from factory.reporters.columns import columns, padded
from factory.reporters.printable import printable

MAX_LINE = 160
"""Characters of a line on a terminal; a longer event has its detail on a line of its own."""

INDENT = " " * 10
"""As wide as the time of day before an event."""


@dataclass(frozen=True)
class Event:
    """`text` is short and in columns; `detail` may be long: a path, a message."""

    text: str
    detail: str = ""

    def lines(self, *, wide: bool) -> str:
        """Nothing is cut. `wide`: one line however long it is, for what is no terminal."""
        text, detail = printable(self.text), printable(self.detail)
        one = f"{text}  {detail}".rstrip()
        return one if wide or columns(INDENT + one) <= MAX_LINE else f"{text.rstrip()}\n{INDENT}{detail}"


def in_columns(word: str, name: str) -> str:
    """How all events begin: what happened, and to which pipeline."""
    return f"{padded(word, 16)} {padded(printable(name), 28)}"
