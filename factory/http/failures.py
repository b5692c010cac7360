"""By which keys and words an answer of status 200 says that it failed, is not done, or that rows are missing in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from factory.http.answers import Level, Way, is_thing, keys_in, letters, levels, whole_number
from factory.http.wording import (
    BAD_STATE,
    CODE,
    is_bad_code,
    is_well,
    says_missing,
    says_no_rows,
    tells_failure,
    texts,
    words,
)

Asked = Sequence[tuple[str, str]]
"""What a request asks for, which an answer may repeat."""
# How answers say that they failed: keys without what is no letter (`error_message`, `errorMessage`), and their values.
_WHOLE = ("ok", "success", "succeeded", "successful", "issuccess", "isok", "jobcomplete", "iscomplete", "complete")
IN_PART = re.compile(
    r"(?:is)?partial(?:results?|failure|data)?|(?:is)?incomplete(?:results?|search|data)?|terminatedearly|timedout|searchcutoff"
)
_LEFT = re.compile(r"unprocessed(?:keys|items)|unreachable")
"""What an answer could not look at."""
_FAILURE = re.compile(
    r"(?:soap|soapenv|env|s)?fault(?:string|code)?|exceptions?|failures?|(?:is)?failed|(?:is|has|last|api)?err(?:or)?s?"
    r"(?:messages?|msg|text|desc|description|details?|info|list|response|reason|type|name|data|summary|string)?"
)
_STATE = re.compile(r"(?:response|result|job|query|api)?(?:status|stat|state|result|outcome|ack)(?:text|type|message)?")
_TOLD = re.compile(
    rf"(?!last|failures$|faults$|exceptions$){_FAILURE.pattern.join(('(?:', ')'))}|err(?:or)?(?:code|no|num|number)"
)
"""Of these, those that tell of the answer also beside rows."""
_STATUS, _FAILED, _OK = re.compile(r"(?:response|api)?status|ack"), ("error", "fail", "failed", "failure"), _WHOLE[:6]
_OF_ITEMS = ("error", "errors", "shards", "timedout", "incompleteresults", "partial")
_MESSAGE = re.compile(r"(?:status|response|result|api|info|user)?(?:messages?|msg)|details?|reason")
_STATE_OF_A_PART = re.compile(
    r"(?:query|search|job)?(?:timeout|timedout|partial|incomplete|truncated)(?:success|failure|results?|data|content)?"
)
_NOTE = re.compile(
    r"(?:remark|warning|notice|note|caveat|alert|info)s?|(?:warning|warn|status|info|user)?(?:messages?|msgs?|text)"
)
"""Names of what is said beside rows."""


def signs_of_part(
    value: Any,
    ways: Collection[Way],
    asked: Asked = (),
    beside: Mapping[str, Any] | None = None,
    *,
    has_total: bool = False,
) -> Iterator[Way]:
    """By what an answer says that it failed or that rows are missing in it, also beside rows. `ways`: those to its
    rows; `asked`: what the request asks for, which it may repeat; `beside`: the mappings of a list beside the rows.
    `has_total`: a total that the pipeline names says whether all came."""
    if ways and not any(ways):  # the whole answer is a row
        yield from signs_of_whole(value)
        return
    for level in (*levels(value, ways), *_beside(beside)):
        if level.is_item:
            yield from _signs_of_items(level)
        for path, holders in level.holders():
            if not (level.is_item and holders is level.values and path[-1] != "body"):
                notes = None if has_total or level.is_item else _NOTE
                yield from _signs_in(level, path, holders, asked, notes)


def _signs_in(
    level: Level, path: Way, holders: Sequence[Mapping[str, Any]], asked: Asked, notes: re.Pattern[str] | None
) -> Iterator[Way]:
    """By which keys one of the mappings at a place says so. `notes`: the names of what is said beside rows."""
    is_itself = holders is level.values
    is_fact = is_itself and is_thing(keys_in(holders), path)
    about_request = not is_itself and letters(path[-1]).endswith("status")

    def says(holder: Mapping[str, Any], name: str, child: Any) -> bool:
        if child is None or child in ("", [], {}):
            return False
        return (
            _is_beyond_doubt(holder, name, child)
            or (not is_fact and _is_sign_beside(holder, name, child, asked, is_about_request=about_request))
            or (notes is not None and notes.fullmatch(name) is not None and says_missing(child))
        )

    for key in keys_in(holders):
        name = "" if is_itself and key in level.leads else _name_of_a_sign(key)
        if name and any(says(one, name, one.get(key)) for one in holders):
            yield (*path, str(key))


@lru_cache(maxsize=4096)
def _name_of_a_sign(key: Any) -> str:
    """The letters of a key that may tell of missing rows, empty for others."""
    name = letters(key)
    is_word = name in ("shards", "type", *_WHOLE)
    names = (IN_PART, _LEFT, _STATE, CODE, _NOTE, _FAILURE)
    return name if is_word or any(one.fullmatch(name) for one in names) else ""


def _signs_of_items(level: Level) -> Iterator[Way]:
    """By what one of several answers, or things, in a list says beyond doubt that it has not its rows."""
    keys, is_batch = keys_in(level.values), level.is_listed and "body" in level.leads
    for key in keys:
        name = _name_of_a_sign(key)
        is_status = level.is_listed and CODE.fullmatch(name) is not None and not {"body", "headers"}.isdisjoint(keys)
        if not name or key in level.leads or not (is_status or name in _OF_ITEMS):
            continue
        for one in level.values:
            if not (child := one.get(key)):
                continue
            fails = _has_errors(child, one) if name in ("error", "errors") else is_status and _is_http_error(child)
            if (fails and not level.has_place(one)) or _is_beyond_doubt(one, name, child):
                yield (*level.path, str(key))
                break
    if is_batch and level.has_nothing:  # one that timed out
        yield (*level.path, "body")


def signs_of_whole(value: Any) -> Iterator[Way]:
    """By what an answer that is handed on as it is says, beyond doubt, that it is not whole."""
    is_list = isinstance(value, list)  # several queries of GraphQL in one request
    for one in value if is_list else [value]:
        if isinstance(one, Mapping) and (not is_list or one.keys() <= {"data", "errors", "extensions"}):
            keys = (str(key) for key, child in one.items() if _is_beyond_doubt(one, letters(key), child))
            yield from (("[]", key) if is_list else (key,) for key in keys)


def _is_beyond_doubt(holder: Mapping[str, Any], name: str, child: Any) -> bool:
    """Whether a key tells by what is beside it that rows are missing, as in GraphQL, Elasticsearch and InfluxDB."""
    if name == "errors":
        return "data" in holder and isinstance(child, list | dict) and _has_errors(child, holder)
    if name == "shards":
        return isinstance(child, Mapping) and bool(child.get("failed"))
    if name in ("error", "partial"):
        is_of_series = "series" in holder or "statement_id" in holder or "values" in holder
        return is_of_series and (child is True or (name == "error" and isinstance(child, str)))
    return child is True and (name == "incompleteresults" or (name == "timedout" and "_shards" in holder))


def _is_sign_beside(holder: Mapping[str, Any], name: str, child: Any, asked: Asked, *, is_about_request: bool) -> bool:
    """Of an answer, also beside rows."""
    if name in _WHOLE:
        is_no = child is False or child in ("false", "False") or (name in _OK and child in (0, "0", "no", "N"))
        return is_no and not _is_echo(name, child, asked)
    if name == "shards" or isinstance(child, list | dict):
        is_left = _LEFT.fullmatch(name) is not None or _is_beyond_doubt({}, name, child)
        return is_left or (_TOLD.fullmatch(name) is not None and _has_errors(child, holder))
    if _TOLD.fullmatch(name) is not None:
        # A number may count the errors of rows, unless it is the code of one.
        is_count = isinstance(child, int | float) and child is not True and CODE.fullmatch(name) is None
        return not is_count and _has_errors(child, holder)
    if _is_echo(name, child, asked):
        return False
    if IN_PART.fullmatch(name) is not None:
        return _is_so(child)
    if not isinstance(child, str) or not (_STATE.fullmatch(name) or (name == "type" and is_about_request)):
        return False
    word = letters(child)
    return _STATE_OF_A_PART.fullmatch(word) is not None or (_STATUS.fullmatch(name) is not None and word in _FAILED)


def _has_errors(child: Any, beside: Mapping[str, Any]) -> bool:
    return bool(child) if isinstance(child, list) else not (is_well(child, beside) or says_no_rows(child))


def _is_echo(name: str, child: Any, asked: Asked) -> bool:
    """Whether an answer repeats what was asked for: a word of a value, or any value under its name."""
    text = words(str(child))
    is_word = isinstance(child, str) and re.search("[a-z]", text) is not None and text not in ("true", "false")
    return any(
        text in map(words, (value, *re.findall(r"'([^']*)'", value))) and (is_word or letters(key) == name)
        for key, value in asked
    )


def _is_so(child: Any) -> bool:
    return child is True or child in ("true", "True")


def signs_of_failure(
    value: Any, ways: Collection[Way] = (), asked: Asked = (), beside: Mapping[str, Any] | None = None
) -> list[Way]:
    """By what an answer without rows says that it failed, or that it is not done; empty where it says that there are no
    rows."""
    found = []
    for level in (*levels(value, ways), *_beside(beside)):
        for path, (holder, *_) in () if level.is_item else level.holders(all_frames=True):
            is_fact = path == level.path and is_thing(holder, path)
            for key, child in holder.items():
                if not is_fact and says_no_rows(child):
                    return []
                is_alone = len(holder) == 1 and isinstance(child, str)
                if (key not in level.leads or not isinstance(child, list | dict)) and _fails(
                    holder, letters(key), child, asked, is_fact=is_fact, is_alone=is_alone
                ):
                    found.append((*path, str(key)))
    return found


def _beside(beside: Mapping[str, Any] | None) -> Iterator[Level]:
    for place, one in (beside or {}).items():
        yield Level((place,), [one], (), is_item=False)


def _fails(holder: Mapping[str, Any], name: str, child: Any, asked: Asked, *, is_fact: bool, is_alone: bool) -> bool:
    is_no = child in (False, "false", "False", "no", "N", "0")
    if is_no and not is_fact and (name in _WHOLE or (child is False and name == "status")):
        return True
    if not child:
        return False
    if _FAILURE.fullmatch(name) is not None:
        return not is_well(child, holder)
    is_code = CODE.fullmatch(name) is not None
    is_bad = isinstance(child, str) and (is_code or _STATE.fullmatch(name)) and BAD_STATE.search(words(child))
    if _is_echo(name, child, asked):  # `status` may be what was asked for
        return False
    if is_bad:
        return not is_fact
    if is_code:
        return is_bad_code(child) or (name.startswith("err") and not is_well(child, holder))
    if _MESSAGE.fullmatch(name) is None and not is_alone:
        return False
    # A mapping may be a thing that the answer is about, and `failed` a value of it.
    plain = [] if is_fact else [one for one in (child if isinstance(child, list) else [child]) if isinstance(one, str)]
    return any(map(tells_failure, plain)) or any(tells_failure(one, is_sentence=True) for one in texts(child))


def _is_http_error(child: Any) -> bool:
    code = whole_number(child)
    return code is not None and 400 <= code < 600


def names_message(key: str) -> bool:
    """Whether texts of this name, such as a log's, may well tell of failures."""
    name = letters(key)
    return re.search("log|text|line|event|title|description", name) is not None or any(
        one.fullmatch(name) is not None for one in (_MESSAGE, _FAILURE, _NOTE)
    )
