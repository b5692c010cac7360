"""How many columns of a terminal a text takes: what today's terminals and editors draw.

Unicode Standard Annex 11 for the width of a character, Technical Standard 51 for what makes one emoji of several.
"""

from __future__ import annotations

import os
import unicodedata
from typing import TextIO

_JOINER = "\u200d"
_AS_EMOJI = "\ufe0f"


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
        elif not (before == _JOINER and unicodedata.category(character) == "So") and not (is_flag and flag_begun):
            total += 2 if is_flag else _width(character)
        flag_begun = is_flag and not flag_begun
        before = character
    return total


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
