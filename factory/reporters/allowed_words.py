"""What would have been right, short enough to be read: of a long list the words around the one that was meant."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from schemas.diagnostics import Diagnostic

LONG = 10
"""Words; with more, a list hides the few that matter."""
_NEAREST = 6
_MEANT = re.compile(r"did you mean `(?P<word>[^`]+)`\?")


def allowed_words(diagnostic: Diagnostic) -> str:
    """All of a short list; of a long one those near to what was meant, where that is known."""
    words = diagnostic.allowed
    meant = _MEANT.fullmatch(diagnostic.caret)
    if len(words) <= LONG or meant is None:
        return ", ".join(words)
    near = sorted(words, key=lambda word: SequenceMatcher(None, meant["word"], word).ratio(), reverse=True)[:_NEAREST]
    return f"{', '.join(word for word in words if word in near)}, … ({len(words)} in all)"
