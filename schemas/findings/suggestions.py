"""Did you mean …? The one nearest of the allowed words, or none; durations, dates and schedules in other forms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Sized
from datetime import date
from difflib import SequenceMatcher, get_close_matches
from itertools import islice
from typing import Any
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


_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_UNIT = r"(?P<unit>s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?|w(?:eeks?)?)"
_PART = rf"(?i)(?P<number>\d{{1,7}})\s*{_UNIT}(?![a-z])"
_BETWEEN = r"(?i)(?:\s|,|and)*"
_HOURS = r"(?P<hours>\d{1,3}):(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d)"
_TIMEDELTA = r"(?:datetime\.)?timedelta\((?P<parts>[a-z]+\s*=\s*\d{1,7}(?:,\s*[a-z]+\s*=\s*\d{1,7})*)\)"
_KEYWORD = r"(?P<unit>seconds|minutes|hours|days|weeks)\s*=\s*(?P<number>\d+)"

_YEAR_FIRST = r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})|(\d{4})(\d{2})(\d{2})"
_DAY_FIRST = r"(\d{1,2})\.(\d{1,2})\.(\d{4})"
_SLASHES = r"(\d{1,2})/(\d{1,2})/(\d{4})"


def meant_duration(text: str) -> str | None:
    """`6 hours`, `1h30m`, `01:30:00`, `timedelta(minutes=5)` → `6h`, `90m`, `90m`, `5m`."""
    clock = re.fullmatch(_HOURS, text)
    if clock is not None:
        return in_one_unit(int(clock["hours"]) * 3600 + int(clock["minutes"]) * 60 + int(clock["seconds"]))
    call = re.fullmatch(_TIMEDELTA, text)
    if call is not None:
        parts = [re.fullmatch(_KEYWORD, part.strip()) for part in call["parts"].split(",")]
        return _sum(parts)
    parts, rest = list(re.finditer(_PART, text)), re.sub(_PART, "", text)
    return _sum(parts) if parts and re.fullmatch(_BETWEEN, rest) else None


def _sum(parts: list[re.Match[str] | None] | list[re.Match[str]]) -> str | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return in_one_unit(sum(int(part["number"]) * _SECONDS[part["unit"][0].lower()] for part in known))


def in_one_unit(seconds: int) -> str:
    """A duration as it is written here."""
    unit = next(unit for unit in ("d", "h", "m", "s") if seconds % _SECONDS[unit] == 0)
    return f"{seconds // _SECONDS[unit]}{unit}"


def meant_date(text: str) -> str | None:
    """`2026-1-31`, `31.1.2026`, `1/31/2026` → `2026-01-31`; None where day and month could be the other way round."""
    if match := re.fullmatch(_YEAR_FIRST, text):
        year, month, day = (int(part) for part in match.groups() if part is not None)
    elif match := re.fullmatch(_DAY_FIRST, text):
        day, month, year = map(int, match.groups())
    elif match := re.fullmatch(_SLASHES, text):
        one, other, year = map(int, match.groups())
        if one <= 12 and other <= 12 and one != other:
            return None
        month, day = (one, other) if one <= 12 else (other, one)
    else:
        return None
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


_CLOCK_TIME = r"(?P<hour>[01]?[0-9]|2[0-3])(?::(?P<minute>[0-5][0-9]))? ?(?P<half>[ap]m)?"
_CLOCK = rf"(?i)(?:(?:every day|daily|each day) )?(?:at )?{_CLOCK_TIME}"
_ZONE_BEFORE = r"(?:CRON_TZ|TZ)=(?P<zone>\S+)\s+(?P<cron>\S.*)"
_ZONE_BEHIND = r"(?P<cron>\S.*)\s(?P<zone>UTC|[A-Z]\w+/\w+)"
_NO_SCHEDULE = ("none", "off", "never", "manual", "no", "false")
_ISO_DURATION = r"(?a)P(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?"


def meant_time(value: Any) -> str | None:
    """`6:30`, `6 am` and the number 630 → `06:30`, `06:00`."""
    text = f"{value // 100}:{value % 100:02}" if type(value) is int and value > 99 else str(value)
    clock = re.fullmatch(_CLOCK, text)
    if clock is None or text.isdecimal():
        return None
    hour = int(clock["hour"]) % 12 + 12 * (clock["half"].lower() == "pm") if clock["half"] else int(clock["hour"])
    return f"{hour:02}:{int(clock['minute'] or 0):02}"


def meant_by_cron(text: str, count: int) -> str:
    """What to write in place of what is no cron expression of five fields, but of `count`."""
    more = "; seconds and years are not supported, use `{every: 30s}` for seconds" if count in (6, 7) else ""
    help_text = f"write minute, hour, day of month, month, day of week{more}"
    if (clock := meant_time(text)) is not None:
        hour, minute = map(int, clock.split(":"))
        help_text = f'for {clock} every day write "{minute} {hour} * * *"'
    elif "#" in text and count > 5:
        help_text = "inside quotes `#` begins no comment: write it behind the quotes"
    elif zone := re.fullmatch(_ZONE_BEFORE, text) or re.fullmatch(_ZONE_BEHIND, text):
        help_text = f'write the time zone beside it: {{cron: "{zone["cron"]}", timezone: {zone["zone"]}}}'
    elif text.lower() in _NO_SCHEDULE:
        help_text = "write null for no schedule"
    elif ", " in text:
        help_text = f"remove the space after the comma: `{text.replace(', ', ',')}`"
    elif text.startswith("cron("):
        help_text = "write the five fields alone: without `cron( )`, without the year, and `*` in place of `?`"
    elif every := _meant_every(text):
        help_text = f"for a run every {every} write {{every: {every}}}"
    return help_text


def _meant_every(text: str) -> str | None:
    """`every 5 minutes`, `rate(1 day)`, `PT1H` and `datetime.timedelta(hours=1)` as a duration of ours."""
    words = text.lower().removeprefix("every ").removeprefix("datetime.")
    if words.startswith("rate("):
        words = words.removeprefix("rate(").removesuffix(")")
    return text.upper() if re.fullmatch(_ISO_DURATION, text.upper()) is not None else meant_duration(words)
