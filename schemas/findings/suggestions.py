"""Did you mean …? The one nearest of the allowed words, or none; durations, dates and schedules in other forms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Sized
from difflib import SequenceMatcher, get_close_matches
from itertools import islice
from unicodedata import combining, name, normalize

_OTHER_WORDS = {
    "cron": "schedule",
    "schedule_interval": "schedule",
    **dict.fromkeys(("dependencies", "depends_on", "depends", "depend_on", "dependsOn", "after", "requires"), "needs"),
    **dict.fromkeys(("upstream", "upstream_tasks", "upstream_task_ids"), "needs"),
    **dict.fromkeys(("if", "when", "condition", "only_if"), "run_if"),
    **dict.fromkeys(("unless", "skip"), "skip_if"),
    "operator": "uses",
    "task_id": "id external_task_id",
    "args": "with",
    "retry": "retries",
    "arguments": "with",
    "kwargs": "with",
    "op_kwargs": "with",
    "parameters": "with",
    "endpoint": "url",
    "body": "json html_content",
    **dict.fromkeys(("message", "text", "content", "html"), "html_content"),
    **{"verb": "method", "http_method": "method", "query": "sql", "statement": "sql", "output": "to"},
    "timeout": "execution_timeout",
    **dict.fromkeys(("steps", "step", "stages", "stage", "jobs", "job"), "tasks"),
    "name": "id",
    "type": "uses",
    "kind": "type",
    **dict.fromkeys(("interval", "frequency", "timedelta", "days", "hours", "minutes"), "every"),
    "tz": "timezone",
    "token": "conn_id",
    "password": "conn_id",
    "connection": "conn_id",
    "field": "path",
    "concurrency": "max_active_tasks",
    "task_concurrency": "max_active_tis_per_dag",
    "on_failure_callback": "notifications",
    "on_success_callback": "notifications",
    "on_retry_callback": "notifications",
    "email_on_failure": "notifications",
    "email_on_retry": "notifications",
    "sla": "deadline",
    "execution_date": "logical_date",
    "dataset": "assets",
    "default_task_args": "default_args",
    **dict.fromkeys(("none_failed_or_skipped", "none_failed_or_skip"), "none_failed_min_one_success"),
    "dummy": "always",
    "all_done_or_skipped": "all_done",
    **dict.fromkeys(("success", "succeeded", "on_success"), "all_success"),
    "or": "any",
    "and": "all",
}
"""Names in other tools and in Airflow 2 → names here, of which one is allowed where it is written."""

ELSEWHERE = {
    "sla": "Airflow 3 has removed it: write `deadline` at the top level",
    "sla_miss_callback": "Airflow 3 has removed it: write `deadline: {from: queued_at, within: 1h, notify: [..]}`",
    "partial": "write its arguments in `with`",
    **dict.fromkeys(("script", "command", "cmd"), "write `uses: bash` and `with: {bash_command: …}`"),
}
"""Keys of other tools and of Airflow 2 → what is written for them."""

_RENAMED = {"schedule_interval": "schedule", "task_id": "id"}
"""Those of them that have the same value."""

_LATIN = str.maketrans("аеорсухіјѕһԁӏοανρ", "aeopcyxijshdloavp")  # noqa: RUF001 # that is what they are
"""Letters of Cyrillic and Greek → those that look the same."""
_NO_TYPOS = frozenset({"dags"})
"""Words of other tools for which there is none here, although one looks like them."""

_LONGEST = 64
MOST_COMPARED = 1_000
"""Words that one typo is compared with: with more, a guess takes too long and rarely helps."""
_MOST_KEYS = 20
MOST_OF_A_FILE = 150
"""The same for a file's own names, where each of them may be a typo."""
_WORD = r"[\w@/.+-]+"


def nearest(written: str, allowed: Iterable[str]) -> str | None:
    """The allowed word that a typo most likely means, ignoring letter case and `-`/`_`."""
    if isinstance(allowed, Sized) and len(allowed) > MOST_COMPARED:
        return None
    words = sorted(set(allowed))
    folded = _fold(written)
    if folded in _NO_TYPOS or (folded.startswith("not_") and not any(word.startswith("not_") for word in words)):
        return None  # no word, or the opposite of one
    # Where other formats keep what they repeat.
    known = ("vars" if folded.startswith("x_") else _OTHER_WORDS.get(folded, "")).split()
    if (other := next((word for word in known if word in words), None)) is not None:
        return other
    for word in words:
        if _fold(word) == folded:
            return word
    close = get_close_matches(folded, [_fold(w) for w in words], n=1, cutoff=0.7)
    if close:
        return next(w for w in words if _fold(w) == close[0])
    return _with_prefix(folded, words) or unmistakable(written, words)


def written_or_meant(mapping: Mapping[str, object], words: Sequence[str]) -> set[str]:
    """The words that are keys of a mapping; if none is, those that its keys look like."""
    written = {word for word in words if word in mapping}
    return written or {word for key in islice(mapping, _MOST_KEYS) if (word := nearest(str(key), words)) is not None}


def _with_prefix(folded: str, words: list[str]) -> str | None:
    """`timeout` for `execution_timeout`, `param` for `params`: one word contains the other, and only one does."""
    if len(folded) < 4:
        return None
    holders = [w for w in words if folded in _fold(w) or (len(w) >= 4 and _fold(w) in folded)]
    if len(holders) != 1:
        return None
    ratio = SequenceMatcher(None, folded, _fold(holders[0])).ratio()
    return holders[0] if ratio >= 0.5 else None


def unmistakable(written: str, allowed: Iterable[str]) -> str | None:
    """The only word that a typo can mean: one or two slips away, and all others two slips further.

    Letter case and `-`/`_` are ignored; a slip is an extra, a missing or a wrong letter, or two swapped ones. None for
    words of two letters, which are one slip from anything.
    """
    words = sorted(set(allowed))
    renamed = _RENAMED.get(written)
    if renamed in words:
        return renamed
    if not 2 < len(written) <= _LONGEST or re.fullmatch(_WORD, written) is None:
        return None
    folded = _fold(written)
    limit = 1 if len(folded) < 5 else 2
    near = min(
        ((slips, word) for word in words if (slips := _slips(folded, _fold(word), limit)) is not None), default=None
    )
    if near is None:
        return None
    slips, meant_word = near
    others = (word for word in words if word != meant_word)
    return None if any(_slips(folded, _fold(word), slips + 1) is not None for word in others) else meant_word


def _slips(one: str, other: str, most: int) -> int | None:
    """How many slips are between two words (optimal string alignment); None for more than `most`."""
    if abs(len(one) - len(other)) > most or len(set(one) - set(other)) > most:
        return None
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        above, row = row, [i]
        for j, b in enumerate(other, 1):
            best = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                best = min(best, before[j - 2] + 1)
            row.append(best)
        if min(row) > most:
            return None
        before = above
    return row[-1] if row[-1] <= most else None


def _fold(word: str) -> str:
    composed = word.lower() if word.isascii() else normalize("NFC", word).lower().translate(_LATIN)
    return composed.replace("-", "_")


def meant(written: str, allowed: Iterable[str]) -> str:
    """Text after the caret: "did you mean `x`?", or nothing."""
    return did_you_mean(nearest(written, allowed))


def of_another_script(written: str, word: str | None) -> str:
    """The character by which two words differ that look alike: a Latin letter and another one, or an accent apart."""
    differ = "" if word is None else next((one for one in written + word if (one in written) != (one in word)), "")
    odd = next((one for one in written + (word or "") if not one.isascii() and differ), "")
    if not odd:
        return ""
    odd = next((one for one in written + (word or "") if combining(one)), odd)  # of one letter written in two ways
    what = "is a letter of its own" if name(odd, "").startswith("LATIN ") else "is not a Latin letter"
    return f" U+{ord(odd):04X} is an accent of its own" if combining(odd) else f" `{odd}` (U+{ord(odd):04X}) {what}"


def did_you_mean(word: str | None) -> str:
    """The same for a word that is already known."""
    return f"did you mean `{word}`?" if word is not None else ""
