"""Did you mean …? The one nearest of the allowed words, or none."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches

_OTHER_WORDS = {
    "cron": "schedule",
    "schedule_interval": "schedule",
    "dependencies": "needs",
    "depends_on": "needs",
    "upstream": "needs",
    "operator": "uses",
    "task_id": "id",
    "args": "with",
    "arguments": "with",
    "kwargs": "with",
    "op_kwargs": "with",
    "parameters": "with",
    "endpoint": "url",
    "body": "json",
    "timeout": "execution_timeout",
    "steps": "tasks",
    "name": "id",
}
"""What other tools call it."""


def nearest(written: str, allowed: Iterable[str]) -> str | None:
    """The allowed word that a typo most likely stands for, letter case and `-`/`_` aside."""
    words = sorted(set(allowed))
    folded = _fold(written)
    known = _OTHER_WORDS.get(folded)
    if known in words:
        return known
    for word in words:
        if _fold(word) == folded:
            return word
    close = get_close_matches(folded, [_fold(w) for w in words], n=1, cutoff=0.7)
    if close:
        return next(w for w in words if _fold(w) == close[0])
    return _with_prefix(folded, words)


def _with_prefix(folded: str, words: list[str]) -> str | None:
    """`timeout` for `execution_timeout`, `param` for `params`: one word holds the other, and only one does."""
    if len(folded) < 4:
        return None
    holders = [w for w in words if folded in _fold(w) or (len(w) >= 4 and _fold(w) in folded)]
    if len(holders) != 1:
        return None
    ratio = SequenceMatcher(None, folded, _fold(holders[0])).ratio()
    return holders[0] if ratio >= 0.5 else None


def _fold(word: str) -> str:
    return word.lower().replace("-", "_")


def meant(written: str, allowed: Iterable[str]) -> str:
    """Text for behind the caret: "did you mean `x`?", or nothing."""
    return did_you_mean(nearest(written, allowed))


def did_you_mean(word: str | None) -> str:
    """The same for a word that was found before."""
    return f"did you mean `{word}`?" if word is not None else ""
