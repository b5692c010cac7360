"""By which keys and words an answer of status 200 says that it failed, is not done, or that rows are missing in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

# How answers say that they failed: keys without what is no letter (`error_message`, `errorMessage`), and their values.
_WHOLE = ("ok", "success", "succeeded", "successful", "issuccess", "isok", "jobcomplete", "iscomplete", "complete")
IN_PART = re.compile(r"(?:is)?(?:partial|incomplete)(?:results?|failure|data)?|terminatedearly|timedout")
_FAILURE = re.compile(
    r"(?:soap|soapenv|env|s)?fault(?:string|code)?|exceptions?|failures?|(?:is)?failed|(?:is|has|last|api)?err(?:or)?s?"
    r"(?:messages?|msg|text|desc|description|details?|info|list|response|reason|type|name|data|summary|string)?"
)
_CODE = re.compile(
    r"(?:http|response|result|return|ret|err|error|api)?(?:status)?code?|(?:http|response)?status|err(?:or)?(?:no|num|number)"
    r"|ret|rc"
)
_STATE = re.compile(r"(?:response|result|job|query|api)?(?:status|stat|state|result|outcome|ack)(?:text|type|message)?")
_MESSAGE = re.compile(
    r"(?:status|response|result|api|info|user)?(?:messages?|msg)|details?|descriptions?|reason|note|information|info|title"
)
_BAD_STATE = re.compile(
    r"\b(?:err(?:or)?s?|fail(?:ed|ure|s)?|fault|exception|denied|limit(?:ed)?|throttled|too many|quota|invalid"
    r"|bad request|unauthori[sz]ed|unauthenticated|forbidden"
    r"|not (?:ok|authori[sz]ed|authenticated|allowed|permitted|ready)"
    r"|n(?:ot)?ok|ko|unavailable|timed? ?out|expired|rejected|aborted|unsuccessful|suspended|exhausted|exceeded"
    r"|pending|running|queued|in progress|processing|preparing|accepted)\b"
)
_STATE_OF_A_PART = re.compile(
    r"(?:query|search|job)?(?:timeout|timedout|partial|incomplete|truncated)(?:success|results?|data)?"
)
_SENTENCE = re.compile(
    r"too many requests|try (?:again|later)|rate.?limit|call frequency|\bexceed|(?:access|permission)s? (?:is )?denied"
    r"|\bnot (?:authori[sz]ed|authenticated|allowed|permitted)\b|internal (?:server )?error|service (?:is )?unavailable"
    r"|(?:un|not )able to|could ?n.t|\bcan ?not\b|has (?:failed|expired|timed out)|under maintenance"
    r"|invalid (?:api|token|key|value|format|parameter|request|query)|\bis not valid\b"
    r"|^\W*(?:error|fatal|exception|failed|failure)\b\s*[:;-]",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"(?:remark|warning|notice|note|caveat|alert|info)s?|(?:warning|warn|status|info|user)?(?:messages?|msgs?|text)"
)
"""Names of what is said beside rows."""
_MISSING = re.compile(
    r"\b(?:incomplete|truncated|partial) (?:return|results?|data|response|content|set)|\btimed out\b|\bruntime error\b"
    r"|(?<!not )\b(?:be|is|are|was|were|been) (?:incomplete|partial|truncated|cut off|terminated|aborted)\b"
    r"|\b(?:results?|data|response|rows|records) truncated\b|\bnot all (?:rows|results|records|data|items|shards)\b"
    r"|\bsome (?:rows|results|records|data|items|shards) (?:are|were|may be|could not)\b",
    re.IGNORECASE,
)
_NONE_FAILED = re.compile(r"\b(?:no|without|0) (?:errors?|failures?)\b|rate.?limit.{0,20}remaining", re.IGNORECASE)
_WELL = ("", "ok", "success", "successful", "none", "null", "na", "no", "noerror", "noerrors", "false", "nofailure")
_NO_ROWS = re.compile(
    r"(?:sorry|thereare|thereis|therewere)?no(?:more|new|matching|such)?(?:records?|results?|rows?|data|entries|items?"
    r"|matches|content|transactions?|documents?|objects?|events?)(?:(?:were|was|is|are)?(?:found|match|available|exist|return).*)?"
)
_ENVELOPE = re.compile(
    r"(?:soap|soapenv|env|s)?(?:envelope|body|header)|head|(?:api)?status|result|data|(?:api)?response(?:header|status|info)?"
)
"""Mappings that say how a request went, or hold the rows."""
_FRAME = re.compile(
    r"_?(?:response|search|result|page|list)?(?:meta|metadata|info|pagination|paging|page)|responseheader"
)
"""Mappings beside the rows that are about all of them."""
_FEW, _SHORT = 6, 200


def sign_of_a_part(value: Any) -> str | None:
    """A key by which an answer says that rows are missing in it: errors beside data (GraphQL), what a search could not
    look at in time or on all of its parts. None where there is none."""
    if isinstance(value, list):  # several queries of GraphQL in one request
        parts = (one for one in value if isinstance(one, Mapping) and one.keys() <= {"data", "errors", "extensions"})
        return next((sign for one in parts if (sign := sign_of_a_part(one)) is not None), None)
    if not isinstance(value, Mapping):
        return None
    if "data" in value and isinstance(value.get("errors"), list | dict) and value["errors"]:
        return "errors"
    shards = value.get("_shards")
    if isinstance(shards, Mapping) and (shards.get("failed") or value.get("timed_out") is True):
        return "_shards" if shards.get("failed") else "timed_out"
    return "incomplete_results" if value.get("incomplete_results") is True else None


def sign_of_failure(value: Any, number: int, url: str, inside: Collection[str] = ()) -> str | None:
    """A key by which the answer to a request, which has this number of rows, says that it failed, that it is not done,
    or that they are not all there. None where there is none, and where it says that there are no rows. `inside`: keys
    that lead to the rows."""
    found = None
    for key, child, is_sure in _said(value, inside, all_frames=not number):
        name = letters(key.rpartition(".")[2])
        if is_sure and ((child is False and name in _WHOLE) or (child is True and IN_PART.fullmatch(name))):
            return key
        if is_sure and isinstance(child, list | dict) and child and name in ("errors", "unreachable"):
            return key
        if child and _NOTE.fullmatch(name) is not None and any(map(_MISSING.search, _texts(child))):
            return key
        if is_sure and isinstance(child, str) and _STATE.fullmatch(name) and _STATE_OF_A_PART.fullmatch(letters(child)):
            return key
        if number:
            continue
        if is_sure and _says_no_rows(child):
            return None
        is_failure = _fails(name, child, url) if is_sure else _FAILURE.fullmatch(name) and not _is_well(child)
        found = key if found is None and is_failure else found
    return found


def _fails(name: str, child: Any, url: str) -> bool:
    if child in (False, "false", "False", "no", "N", "0") and (name in _WHOLE or (child is False and name == "status")):
        return True
    if not child:
        return False
    if _FAILURE.fullmatch(name) is not None:
        return not _is_well(child)
    is_code = _CODE.fullmatch(name) is not None
    if isinstance(child, str) and (is_code or _STATE.fullmatch(name)) and _BAD_STATE.search(_words(child)) is not None:
        # `status` may be what was asked for.
        return child not in (one for _, one in parse_qsl(urlsplit(url).query))
    if is_code:
        code = int(child) if isinstance(child, str) and re.fullmatch(r"-?[0-9]{1,6}", child) else child
        is_bad = isinstance(code, int) and (code < 0 or 400 <= code < 600 or 40_000 <= code < 60_000)
        return is_bad or (name.startswith("err") and not _is_well(child))
    if _MESSAGE.fullmatch(name) is None:
        return False
    # A mapping may be a thing that the answer is about, and `failed` a value of it.
    plain = [one for one in (child if isinstance(child, list) else [child]) if isinstance(one, str)]
    return any(map(tells_failure, plain)) or any(tells_failure(one, is_sentence=True) for one in _texts(child))


def names_message(key: str) -> bool:
    """Whether texts of this name, such as a log's, may well tell of failures."""
    name = letters(key)
    return re.search("log|text|line|event", name) is not None or any(
        one.fullmatch(name) is not None for one in (_MESSAGE, _FAILURE)
    )


def tells_failure(text: str, *, is_sentence: bool = False) -> bool:
    """Whether a text says that something failed; a single word does so only where it need be no sentence."""
    if _NONE_FAILED.search(text) is not None:
        return False
    return _SENTENCE.search(text) is not None or (not is_sentence and _BAD_STATE.search(_words(text)) is not None)


def _is_well(child: Any) -> bool:
    """Whether the value of a key that is about errors says that there are none."""
    if isinstance(child, Mapping | list):
        return all(map(_is_well, child.values() if isinstance(child, Mapping) else child))
    return not child or (child is not True and letters(child) in _WELL and not re.search("[1-9]", str(child)))


def _says_no_rows(child: Any) -> bool:
    """Whether a text, or one of the values of what is about an error, says that there are no rows."""
    if isinstance(child, Mapping) and len(child) <= _FEW:
        return any(isinstance(one, str) and _says_no_rows(one) for one in child.values())
    return isinstance(child, str) and len(child) < _SHORT and _NO_ROWS.fullmatch(letters(child)) is not None


def _texts(value: Any) -> Iterator[str]:
    """The texts of a note: it alone, or several, each of which may have parts."""
    for one in value[:_FEW] if isinstance(value, list) else [value] if isinstance(value, str) else []:
        yield from (part for part in (one.values() if isinstance(one, Mapping) else [one]) if isinstance(part, str))


def _said(
    value: Any, inside: Collection[str], path: str = "", *, all_frames: bool, is_sure: bool = True
) -> Iterator[tuple[str, Any, bool]]:
    """Keys and values of an answer, and of its mappings that are no rows by their names; with `all_frames` also of
    those that hold rows, and of a lone one, as the root of XML is. Not sure is what is beside rows further `inside`:
    they may be parts of a thing that has a state of its own."""
    for key, child in value.items() if isinstance(value, Mapping) else ():
        yield f"{path}{key}", child, is_sure
        if not isinstance(child, Mapping):
            continue
        is_frame = is_of_all(key) or (all_frames and (len(value) == 1 or _ENVELOPE.fullmatch(letters(key)) is not None))
        if is_frame or key in inside:
            below = is_sure and is_frame
            yield from _said(child, inside, f"{path}{key}.", all_frames=all_frames, is_sure=below)


def _words(text: str) -> str:
    """`over query limit` of `OVER_QUERY_LIMIT` and `OverQueryLimit`."""
    return re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)).lower()


@lru_cache(maxsize=1024)  # pages have the same keys
def letters(key: Any) -> str:
    """A key in small letters, without what is no letter."""
    return re.sub(r"[^a-z]", "", str(key).lower())


def is_of_all(key: Any) -> bool:
    """Whether a mapping of this name is beside the rows and about all of them."""
    return _FRAME.fullmatch(letters(key)) is not None
