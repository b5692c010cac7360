"""Text from a user's file as a terminal may show it."""

from __future__ import annotations

LONGEST = 500
_JOINER = "\u200d"  # inside emoji; not printable by Unicode's word, and harmless


def printable(text: str) -> str:
    """Tabs as four spaces, and nothing that breaks the line or moves the cursor."""
    return "".join("    " if c == "\t" else c if c.isprintable() or c == _JOINER else "�" for c in text)


def phrase(text: str) -> str:
    """A message on one line; values that it quotes may be long."""
    return printable(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")
