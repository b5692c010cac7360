"""By which keys and words an answer of status 200 says that it failed, is not done, or that rows are missing in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from factory.http.answers import Part, Way, is_of_all, is_thing, letters, parts

# How answers say that they failed: keys without what is no letter (`error_message`, `errorMessage`), and their values.
_WHOLE = ("ok", "success", "succeeded", "successful", "issuccess", "isok", "jobcomplete", "iscomplete", "complete")
IN_PART = re.compile(
    r"(?:is)?partial(?:results?|failure|data)?|(?:is)?incomplete[a-z]*|terminatedearly|timedout|searchcutoff"
)
_LEFT = re.compile(r"unprocessed[a-z]*|unreachable")
"""What an answer could not look at."""
_FAILURE = re.compile(
    r"(?:soap|soapenv|env|s)?fault(?:string|code)?|exceptions?|failures?|(?:is)?failed|(?:is|has|last|api)?err(?:or)?s?"
    r"(?:messages?|msg|text|desc|description|details?|info|list|response|reason|type|name|data|summary|string)?"
)
_CODE = re.compile(
    r"(?:http|response|result|return|ret|err|error|api)?(?:status)?code?|(?:http|response)?status|err(?:or)?(?:no|num|number)"
    r"|ret|rc"
)
_STATE = re.compile(r"(?:response|result|job|query|api)?(?:status|stat|state|result|outcome|ack)(?:text|type|message)?")
_MESSAGE = re.compile(r"(?:status|response|result|api|info|user)?(?:messages?|msg)|details?|reason")
_BAD_STATE = re.compile(
    r"\b(?:err(?:or)?s?|fail(?:ed|ure|s)?|fault|exception|denied|limit(?:ed)?|throttled|too many|quota|invalid"
    r"|bad request|unauthori[sz]ed|unauthenticated|forbidden"
    r"|not (?:ok|authori[sz]ed|authenticated|allowed|permitted|ready)"
    r"|n(?:ot)?ok|ko|unavailable|timed? ?out|expired|rejected|aborted|unsuccessful|suspended|exhausted|exceeded"
    r"|pending|running|queued|in progress|processing|preparing|accepted)\b"
)
_NONE_BAD = re.compile(
    r"\b(?:no|without|0|zero)\s+(?:[a-z]+\s+)??(?:errors?|failures?|exceptions?|faults?|failed|invalid|expired|rejected"
    r"|aborted|suspended|pending|running|queued|in[ -]progress|processing|accepted|timed[ -]out|exceeded)\b"
    r"|rate.?limit.{0,20}remaining",
    re.IGNORECASE,
)
"""`no pending orders`, `without any errors`: there are none of these."""
_STATE_OF_A_PART = re.compile(
    r"(?:query|search|job)?(?:timeout|timedout|partial|incomplete|truncated)(?:success|results?|data|content)?"
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
    r"|\bsome (?:rows|results|records|data|items|shards) (?:could not|(?:are|were|may be) (?:not|missing|left out))\b",
    re.IGNORECASE,
)
_SUCCESS = re.compile(r"\bsucce(?:ss|ssful|ssfully|eded)\b")
_NOT = re.compile(r"\b(?:not|no|without|but|partial(?:ly)?)\b")
_WELL = ("", "ok", "success", "successful", "none", "null", "na", "no", "noerror", "noerrors", "false", "nofailure")
_NO_ROWS = re.compile(
    r"(?:sorry|thereare|thereis|therewere)?no(?:more|new|matching|such)?(?:records?|results?|rows?|data|entries|items?"
    r"|matches|content|transactions?|documents?|objects?|events?)(?:(?:were|was|is|are)?(?:found|match|available|exist|return).*)?"
)
_ENVELOPE = re.compile(
    r"(?:soap|soapenv|env|s)?(?:envelope|body|header)|head|(?:api)?status|result|data|(?:api)?response(?:header|status|info)?"
)
"""Mappings that say how a request went, or hold the rows."""
_FEW, _SHORT = 6, 200


def signs_of_part(
    value: Any, ways: Iterable[Way], beside: Mapping[str, Any] | None = None, *, has_total: bool = False
) -> Iterator[Way]:
    """By what an answer says that it failed or that rows are missing in it, also beside rows. `ways`: those to its
    rows; `beside`: the mappings of a list beside them. `has_total`: a total that the pipeline names says whether all
    came."""
    for part in (*parts(value, ways), *_beside(beside)):
        for path, holder, is_fact in _holders(part):
            for key, child in holder.items():
                if (not child and child is not False) or not (name := _name_of_a_sign(key)):
                    continue
                if part.is_item:
                    is_sign = _is_sign_of_item(part, name, child, is_fact)
                else:
                    is_sign = (key not in part.leads or holder is not part.value) and (
                        (not is_fact and _is_sign_of_part(name, child, is_about_request=holder is not part.value))
                        or (not has_total and _says_missing(name, child))
                    )
                if is_sign:
                    yield (*path, str(key))


@lru_cache(maxsize=4096)
def _name_of_a_sign(key: Any) -> str:
    """The letters of a key that may tell of missing rows, empty for others: rows may be asked by the thousand."""
    name = letters(key)
    is_word = name in ("error", "errors", "shards", "statuscode", "type", *_WHOLE)
    return name if is_word or any(one.fullmatch(name) for one in (IN_PART, _LEFT, _STATE, _CODE, _NOTE)) else ""


def signs_of_whole(value: Any) -> Iterator[Way]:
    """By what an answer that is handed on as it is says, beyond doubt, that it is not whole."""
    is_list = isinstance(value, list)  # several queries of GraphQL in one request
    for one in value if is_list else [value]:
        if isinstance(one, Mapping) and (not is_list or one.keys() <= {"data", "errors", "extensions"}):
            keys = (str(key) for key, child in one.items() if _is_beyond_doubt(one, letters(key), child))
            yield from (("[]", key) if is_list else (key,) for key in keys)


def _is_beyond_doubt(holder: Mapping[str, Any], name: str, child: Any) -> bool:
    """Whether a key tells by what is beside it that rows are missing, as in GraphQL and Elasticsearch."""
    if name == "errors":
        return "data" in holder and isinstance(child, list | dict) and bool(child)
    if name == "shards":
        return isinstance(child, Mapping) and bool(child.get("failed"))
    return child is True and (name == "incompleteresults" or (name == "timedout" and "_shards" in holder))


def _is_sign_of_item(part: Part, name: str, child: Any, is_fact: bool) -> bool:
    """Of one of several answers, or a thing that has rows: what it says counts in place of rows."""
    if part.gives and not is_fact:
        return _is_beyond_doubt(part.value, name, child) or (_is_so(child) and IN_PART.fullmatch(name) is not None)
    if part.gives or (is_fact and part.gives is False):
        return False
    if name in ("error", "errors"):
        return not (_is_well(child) or _says_no_rows(child))
    if is_fact:
        return False
    is_status = part.gives is None and _CODE.fullmatch(name) is not None and _is_http_error(child)
    return is_status or _is_sign_of_part(name, child, is_about_request=False)


def _is_sign_of_part(name: str, child: Any, *, is_about_request: bool) -> bool:
    if name in ("error", "errors"):
        if isinstance(child, list):
            return bool(child)
        # A number may count those of rows.
        is_count = isinstance(child, int | float) and child is not True
        return not (is_count or _is_well(child) or _says_no_rows(child))
    if child is False:
        return name in _WHOLE
    if isinstance(child, list | dict):
        return _LEFT.fullmatch(name) is not None or (name == "shards" and _is_beyond_doubt({}, name, child))
    if _is_so(child) and IN_PART.fullmatch(name) is not None:
        return True
    is_state = _STATE.fullmatch(name) or name == "statuscode" or (name == "type" and is_about_request)
    return isinstance(child, str) and bool(is_state) and _STATE_OF_A_PART.fullmatch(letters(child)) is not None


def _is_so(child: Any) -> bool:
    return child is True or child in ("true", "True")


def _says_missing(name: str, child: Any) -> bool:
    return _NOTE.fullmatch(name) is not None and any(map(_MISSING.search, _texts(child)))


def signs_of_failure(
    value: Any, ways: Iterable[Way] = (), asked: Collection[str] = (), beside: Mapping[str, Any] | None = None
) -> list[Way]:
    """By what an answer without rows says that it failed, or that it is not done; empty where it says that there are no
    rows. `asked`: values of the request, which it may repeat."""
    found = []
    for part in (*parts(value, ways), *_beside(beside)):
        for path, holder, is_fact in () if part.is_item else _holders(part, all_frames=True):
            for key, child in holder.items():
                if not is_fact and _says_no_rows(child):
                    return []
                is_alone = len(holder) == 1 and isinstance(child, str)
                if (key not in part.leads or not isinstance(child, list | dict)) and _fails(
                    letters(key), child, asked, is_fact=is_fact, is_alone=is_alone
                ):
                    found.append((*path, str(key)))
    return found


def _beside(beside: Mapping[str, Any] | None) -> Iterator[Part]:
    for place, one in (beside or {}).items():
        yield Part((place,), one, frozenset(), False, True)


def _holders(part: Part, *, all_frames: bool = False) -> Iterator[tuple[Way, Mapping[str, Any], bool]]:
    """A mapping on the way to rows, and those in it that are no rows by their names; with `all_frames` also those that
    hold rows, and a lone one, as the root of XML is. Whether each is a thing, whose state is a fact."""
    pending = [(part.path, part.value)]
    for path, holder in pending:
        yield path, holder, is_thing(holder) and holder is part.value
        for key, child in holder.items():
            if isinstance(child, Mapping) and not (holder is part.value and key in part.leads):
                is_root = len(holder) == 1 or _ENVELOPE.fullmatch(letters(key)) is not None
                if is_of_all(key) or (all_frames and is_root):
                    pending.append(((*path, str(key)), child))


def _fails(name: str, child: Any, asked: Collection[str], *, is_fact: bool, is_alone: bool) -> bool:
    is_no = child in (False, "false", "False", "no", "N", "0")
    if is_no and not is_fact and (name in _WHOLE or (child is False and name == "status")):
        return True
    if not child:
        return False
    if _FAILURE.fullmatch(name) is not None:
        return not _is_well(child)
    is_code = _CODE.fullmatch(name) is not None
    is_bad = isinstance(child, str) and (is_code or _STATE.fullmatch(name)) and _BAD_STATE.search(_words(child))
    if is_bad:
        return not is_fact and child not in asked  # `status` may be what was asked for
    if is_code:
        return _is_bad_code(child) or (name.startswith("err") and not _is_well(child))
    if _MESSAGE.fullmatch(name) is None and not is_alone:
        return False
    # A mapping may be a thing that the answer is about, and `failed` a value of it.
    plain = [] if is_fact else [one for one in (child if isinstance(child, list) else [child]) if isinstance(one, str)]
    return any(map(tells_failure, plain)) or any(tells_failure(one, is_sentence=True) for one in _texts(child))


def _is_bad_code(child: Any) -> bool:
    code = int(child) if isinstance(child, str) and re.fullmatch(r"-?[0-9]{1,6}", child) else child
    return isinstance(code, int) and (code < 0 or 400 <= code < 600 or 40_000 <= code < 60_000)


def _is_http_error(child: Any) -> bool:
    return isinstance(child, int) and 400 <= child < 600


def names_message(key: str) -> bool:
    """Whether texts of this name, such as a log's, may well tell of failures."""
    name = letters(key)
    return re.search("log|text|line|event|title|description", name) is not None or any(
        one.fullmatch(name) is not None for one in (_MESSAGE, _FAILURE, _NOTE)
    )


def tells_failure(text: str, *, is_sentence: bool = False) -> bool:
    """Whether a text says that something failed; a single word does so only where it need be no sentence."""
    text = _NONE_BAD.sub("", text)
    return _SENTENCE.search(text) is not None or (not is_sentence and _BAD_STATE.search(_words(text)) is not None)


def _tells_success(text: str) -> bool:
    words = _words(text)
    return _SUCCESS.search(words) is not None and _NOT.search(words) is None and not tells_failure(text)


def _is_well(child: Any) -> bool:
    """Whether the value of a key that is about errors says that there are none."""
    if isinstance(child, Mapping | list):
        return all(map(_is_well, child.values() if isinstance(child, Mapping) else child))
    if not child or child is True:
        return not child
    return (letters(child) in _WELL and not re.search("[1-9]", str(child))) or _tells_success(str(child))


def _says_no_rows(child: Any) -> bool:
    """Whether a text, or one of the values of what is about an error, says that there are no rows."""
    if isinstance(child, Mapping) and len(child) <= _FEW:
        return any(isinstance(one, str) and _says_no_rows(one) for one in child.values())
    return isinstance(child, str) and len(child) < _SHORT and _NO_ROWS.fullmatch(letters(child)) is not None


def _texts(value: Any) -> Iterator[str]:
    """The texts of a note: it alone, or several, each of which may have parts."""
    for one in value[:_FEW] if isinstance(value, list) else [value] if isinstance(value, str) else []:
        yield from (part for part in (one.values() if isinstance(one, Mapping) else [one]) if isinstance(part, str))


def _words(text: str) -> str:
    """`over query limit` of `OVER_QUERY_LIMIT` and `OverQueryLimit`."""
    return re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)).lower()
