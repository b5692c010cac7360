"""What the texts and codes of answers say: that something failed, that nothing did, or that there are no rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from factory.http.answers import letters, whole_number

BAD_STATE = re.compile(
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
_SENTENCE = re.compile(
    r"too many requests|try (?:again|later)|rate.?limit|call frequency|\bexceed|(?:access|permission)s? (?:is )?denied"
    r"|\bnot (?:authori[sz]ed|authenticated|allowed|permitted)\b|internal (?:server )?error|service (?:is )?unavailable"
    r"|(?:un|not )able to|could ?n.t|\bcan ?not\b|has (?:failed|expired|timed out)|under maintenance"
    r"|invalid (?:api|token|key|value|format|parameter|request|query)|\bis not valid\b"
    r"|^\W*(?:error|fatal|exception|failed|failure)\b\s*[:;-]",
    re.IGNORECASE,
)
_MISSING = re.compile(
    r"\b(?:incomplete|truncated|partial) (?:return|results?|response|content|set)\b|\bruntime error\b"
    r"|\b(?:results?|response|rows|records|output|list) (?:(?:may|might|could|has|have) )?"
    r"(?:(?:be|is|are|was|were|been) )?(?:incomplete|partial|truncated|cut off)\b"
    r"|\b(?:query|search|request) (?:has )?(?:(?:is|was|been) )?(?:incomplete|terminated|aborted|timed out)\b"
    r"|\b(?:backend|server|statement|operation|shards?|job) (?:has |have )?timed out\b"
    r"|\bnot all (?:rows|results|records|data|items|shards)\b"
    r"|\bsome (?:rows|results|records|data|items|shards) (?:could not|(?:are|were|may be) (?:not|missing|left out))\b",
    re.IGNORECASE,
)
_SUCCESS = re.compile(r"\bsucce(?:ss|ssful|ssfully|eded)\b")
_NOT = re.compile(r"\b(?:not|no|without|but|partial(?:ly)?)\b")
_WELL = ("", "ok", "success", "successful", "none", "null", "na", "n", "no", "e", "false")
_NO_ERROR = re.compile(r"no(?:errors?|failures?|exceptions?|faults?)(?:found|occurr?ed|detected|reported)?")
_NO_ROWS = re.compile(
    r"(?:sorry|thereare|thereis|therewere)?no(?:more|new|matching|such)?(?:records?|results?|rows?|data|entries|items?"
    r"|matches|content|transactions?|documents?|objects?|events?)(?:(?:were|was|is|are)?(?:found|match|available|exist|return).*)?"
)
_FEW, _SHORT = 6, 200
CODE = re.compile(
    r"(?:http|response|result|return|ret|err|error|api)?(?:status)?code?|(?:http|response)?status|err(?:or)?(?:no|num|number)"
    r"|ret|rc"
)
"""Names of keys with a number that says how a request went."""


def is_bad_code(child: Any) -> bool:
    """Whether a number is one of those by which APIs say that a request failed."""
    code = int(child) if isinstance(child, str) and re.fullmatch(r"-?[0-9]{1,6}", child) else child
    return isinstance(code, int) and (code < 0 or 400 <= code < 600 or 40_000 <= code < 60_000)


def tells_failure(text: str, *, is_sentence: bool = False) -> bool:
    """Whether a text says that something failed; a single word does so only where it need be no sentence."""
    text = _NONE_BAD.sub("", text)
    return _SENTENCE.search(text) is not None or (not is_sentence and BAD_STATE.search(words(text)) is not None)


def _tells_success(text: str) -> bool:
    plain = words(text)
    return _SUCCESS.search(plain) is not None and _NOT.search(plain) is None and not tells_failure(text)


def is_well(child: Any, beside: Mapping[str, Any] | None = None) -> bool:
    """Whether the value of a key that is about errors says that there are none; a text in letters that are not Latin
    does where a code in the mapping that it is in (`beside`) is 0."""
    if isinstance(child, Mapping):
        sentences = [one for one in child.values() if isinstance(one, str) and not one.isdecimal()]
        others = [one for one in child.values() if one not in sentences and not 200 <= (whole_number(one) or 0) < 300]
        is_success = any(one and is_well(one, child) for one in sentences) and not any(map(is_bad_code, others))
        return all(is_well(one, child) for one in sentences) and (is_success or all(map(is_well, others)))
    if isinstance(child, list):
        return all(map(is_well, child))
    if not child or child is True:
        return not child
    if isinstance(child, str) and not letters(child) and re.search(r"[^\W\d_]", child) is not None:
        codes = (one for key, one in (beside or {}).items() if CODE.fullmatch(letters(key)) is not None)
        return any(whole_number(one) == 0 for one in codes)
    is_word = letters(child) in _WELL or _NO_ERROR.fullmatch(letters(child)) is not None
    return (is_word and not re.search("[1-9]", str(child))) or _tells_success(str(child))


def says_no_rows(child: Any) -> bool:
    """Whether a text, or one of the values of what is about an error, says that there are no rows."""
    if isinstance(child, Mapping) and len(child) <= _FEW:
        return any(isinstance(one, str) and says_no_rows(one) for one in child.values())
    return isinstance(child, str) and len(child) < _SHORT and _NO_ROWS.fullmatch(letters(child)) is not None


def texts(value: Any) -> Iterator[str]:
    """The texts of a note: it alone, or several, each of which may have parts."""
    for one in value[:_FEW] if isinstance(value, list) else [value] if isinstance(value, str) else []:
        yield from (part for part in (one.values() if isinstance(one, Mapping) else [one]) if isinstance(part, str))


def words(text: str) -> str:
    """`over query limit` of `OVER_QUERY_LIMIT` and `OverQueryLimit`."""
    return re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)).lower()


def says_missing(child: Any) -> bool:
    """Whether one of the texts of a note says that rows are missing."""
    return any(map(_MISSING.search, texts(child)))
