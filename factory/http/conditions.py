"""What a pipeline's conditions say of an answer: whether more follows, whether a job is done, and of which signs of a
failure they decide themselves."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Protocol

from factory.http.answers import Way, keys_of, keys_read
from factory.http.expectations import is_named, is_true, status_text
from factory.http.selection import Answered, absent_key, asked, is_path, negated, searched
from schemas.model.http import HttpRequest, Status
from schemas.model.polling import instead_of_opposite

_ACCEPTED = 202
_UNDONE = (_ACCEPTED, HTTPStatus.MULTI_STATUS)
_NO = ("", "0", "false", "no", "n")


def is_decided(request: HttpRequest, sign: Way) -> bool:
    """Whether a request has a condition that asks for this very key, or for something in it."""
    keys = keys_of(sign)
    conditions = [request.expect.condition, *(one.condition for one in request.response_actions)]
    conditions += [request.until.condition] if request.until is not None else []
    return any(path[: len(keys)] == keys for one in conditions if one is not None for path in keys_read(one))


class _Numbered(Answered, Protocol):
    @property
    def number(self) -> int | None: ...


def says_so(value: Any) -> bool:
    """Whether a value of an answer says yes; XML and some APIs have only text for it."""
    return is_true(value) and value != 0 and not (isinstance(value, str) and value.lower() in _NO)


def more_of(path: str | None) -> Callable[[_Numbered], bool | None]:
    """What says of a page whether more follows, by a `has_more_path`; None without one. It raises HttpError."""
    negation = negated(path) if path is not None else None
    ask = negation or searched(path)

    def says_more(page: _Numbered) -> bool | None:
        if ask is None or path is None:
            return None
        value = asked(ask, page, "has_more_path", page.value)
        if value is None:
            raise page.error(f"`has_more_path` ({path}) finds nothing in the answer{_hint_of_none(path, page)}")
        says = says_so(value) is (negation is None)
        if not says and (right := instead_of_opposite(path)) is not None:
            raise page.error(f"`has_more_path` ({path}) is by its name true on the last page; write `{right}`")
        return says

    return says_more


def _hint_of_none(path: str, page: _Numbered) -> str:
    """What to write where the key has no value at the end, or is left out. On a first page it may be misspelt."""
    absent = absent_key(page.value, path)
    if absent is not None and (page.number or 1) == 1:
        return f": {absent.said}"
    return f"; where that is the end, write: {path} || `false`" if is_path(path) else ""


class _Answered(Answered, Protocol):
    @property
    def ignored(self) -> bool: ...
    @property
    def status(self) -> int: ...


def is_pending(is_done: Callable[[Any], Any], page: _Answered, *, is_first: bool) -> bool:
    """Whether a job is not done. The first page says how it stands; later ones often hold rows only."""
    if page.ignored and not is_first:
        return False
    if page.ignored or page.status == _ACCEPTED:
        return True
    return is_first and not is_true(asked(is_done, page, "until", page.value))


def check_done(page: _Answered, expected: Status) -> None:
    """Of a page without rows, whose status may say that they come later, or that only a part went well."""
    if page.status in _UNDONE and not is_named(page.status, expected):
        text = f"it answered {status_text(page.status)} and has no rows, which may come later: `until` waits for them"
        raise page.error(f"{text}; `expect: {{status: [200, {page.status}]}}` says that there are none")
