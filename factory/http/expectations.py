"""What an answer must be, what to do about particular ones, and what happened in a poll so far."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Any

from factory.http.decoding import media_type_of
from factory.http.errors import shown_url
from factory.http.selection import Answered, JmesPathError, asked, is_path, paths_in, search, searched
from factory.reporters.text import counted
from schemas.model.http import Expect, HttpRequest, ResponseAction, Status
from schemas.model.polling import Pagination, instead_of_opposite


@dataclass
class PollFacts:
    """What happened so far; right also where a poll fails halfway. `url` is without credentials and query.

    `status`, `url` and `content_type` are of the last request; `status` is None where it got no answer.
    `redirected_from`: the URL that led to `url`; `bytes` is the sum of all, after decompression. `headers` are those of
    the first answer that the request asks for, by their names in small letters.
    """

    method: str = "GET"
    url: str = ""
    status: int | None = None
    content_type: str | None = None
    bytes: int = 0
    rows: int | None = None
    pages: int = 0
    retries: int = 0
    milliseconds: int = 0
    redirected_from: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def asks(self, method: str, url: str) -> None:
        """A request goes out; until it is answered there is no status."""
        self.method, self.url = method, shown_url(url)
        self.status = self.content_type = self.redirected_from = None

    def answered(self, method: str, url: str, asked: str, status: int, content_type: str | None) -> None:
        """An answer came from `url`, which `asked` may have been redirected to; its body is not read yet."""
        self.method, self.url, self.status, self.content_type = method, shown_url(url), status, content_type
        self.redirected_from = shown_url(asked) if asked != url else None

    def add(self, other: PollFacts) -> None:
        """Take in what happened in a request of several (`each`); the last one's URL and status count."""
        for name in ("method", "url", "status", "content_type", "redirected_from"):
            setattr(self, name, getattr(other, name))
        for name in ("bytes", "pages", "retries", "milliseconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.rows = (self.rows or 0) + (other.rows or 0)
        self.headers = self.headers or other.headers

    @property
    def media_type(self) -> str:
        """`application/json`; empty where there is none."""
        return media_type_of(self.content_type)

    def summary(self) -> str:
        """What came, in one line."""
        is_answered = self.status is not None
        parts = [str(self.status or "no answer")]
        parts += [f"{self.bytes} bytes"] if is_answered or self.pages else []
        parts += [self.media_type or "no content type"] if is_answered else []
        parts += [counted(self.rows, "row")] if self.rows is not None else []
        parts += [counted(self.pages, "page")] if is_answered or self.pages else []
        parts += [counted(self.retries, "retry", "retries")] if self.retries else []
        return ", ".join([*parts, f"{self.milliseconds} ms"])

    def as_mapping(self) -> dict[str, Any]:
        """As an XCom."""
        return asdict(self)


_STATED = re.compile(r"(?:(?:[a-z]+ )?(?:[0-9]+-[0-9]+|\*)/)?(?P<total>[0-9]{1,18})")
"""A number, alone or as `Content-Range` has it (RFC 9110, section 14.4)."""
_LONGEST_TEXT = 40


class Expectation:
    """Holds answers against what is expected; what is needed for that is made once."""

    def __init__(self, expect: Expect) -> None:
        self._expect = expect
        self._condition = search(expect.condition) if expect.condition is not None else None
        types = expect.content_type or []
        self._types = [types] if isinstance(types, str) else types
        self._schema = _validator(expect.json_schema) if expect.json_schema is not None else None

    def expects(self, status: int) -> bool:
        """Whether this status is a good one."""
        return is_expected(status, self._expect.status)

    def refused_type(self, media_type: str) -> str | None:
        """What is wrong with a media type; None if nothing is."""
        if not self._types or media_type.lower() in map(str.lower, self._types):
            return None
        wanted = " or ".join(self._types)
        return f"its content type is {media_type or 'not said'}, expected {wanted}"

    def refused_value(self, value: Any) -> str | None:
        """What is wrong with a decoded body; None if nothing is."""
        if self._schema is not None:
            problem = _first_problem(self._schema, value)
            if problem is not None:
                return f"the answer does not fit `json_schema`: {problem}"
        if self._condition is not None:
            try:
                holds = self._condition(value)
            except JmesPathError as error:
                return f"`condition` cannot be asked of the answer: {error}"
            if not is_true(holds):
                return f"the condition `{self._expect.condition}` does not hold"
        return None


def is_expected(status: int, expected: Status) -> bool:
    """Whether a status is one of `expected`: codes such as 200, or ranges such as `2xx`."""
    patterns = expected if isinstance(expected, list) else [expected]
    return any(status == pattern if isinstance(pattern, int) else str(status)[0] == pattern[0] for pattern in patterns)


def is_named(status: int, expected: Status) -> bool:
    """Whether a status is itself one of `expected`, and not only in a range."""
    return status in (expected if isinstance(expected, list) else [expected])


def is_decided(request: HttpRequest, sign: str) -> bool:
    """Whether a request has a condition that asks for the key at the top of the answer that leads to a sign, or of an
    answer that is a list, or a list in it, for the sign itself."""
    key = sign.partition(".")[0]
    conditions = [request.expect.condition, *(one.condition for one in request.response_actions)]
    conditions += [request.until.condition] if request.until is not None else []
    if key.startswith("["):
        return any(sign.removeprefix("[].") in one for one in conditions if one is not None)
    return any(path[0] == key for one in conditions if one is not None for path in paths_in(one))


def unexpected_status(status: int, expected: Status, start_of_body: str) -> str:
    """What came in place of what was expected, on one line."""
    what = f"it answered {status_text(status)}, expected {_listed(expected)}"
    return f"{what}: {start_of_body}" if start_of_body else f"{what}, without a body"


def status_text(status: int) -> str:
    """`404 Not Found`; the number alone where it has no name."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def is_true(value: Any) -> bool:
    """As JMESPath has it: 0 is true; what is not there and what is empty are not."""
    return value is not None and value is not False and value not in ("", [], {})


def _validator(schema: Mapping[str, Any]) -> Any:
    # Imported where it is used: most polls have no schema.
    import jsonschema  # noqa: PLC0415
    import referencing  # noqa: PLC0415

    # With a registry of its own it fetches no schema from an address.
    return jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)(
        schema, registry=referencing.Registry(), format_checker=None
    )


def _first_problem(validator: Any, value: Any) -> str | None:
    import jsonschema  # noqa: PLC0415
    import referencing  # noqa: PLC0415

    try:
        error = jsonschema.exceptions.best_match(validator.iter_errors(value))
    except referencing.exceptions.Unresolvable as unresolvable:
        return f"it refers to {unresolvable.ref}, which is not in it"
    if error is None:
        return None
    return f"at {error.json_path}: {error.message}"


class Actions:
    """The `response_actions` of a request; their expressions are compiled once."""

    def __init__(self, actions: Sequence[ResponseAction]) -> None:
        self._actions = actions
        self._conditions: dict[str, Callable[[Any], Any]] = {
            one.condition: search(one.condition) for one in actions if one.condition is not None
        }

    def may_end_at(self, status: int) -> bool:
        """Whether one of them is about this very status: then a redirect of it is not followed."""
        return any(one.status_code is not None and is_expected(status, one.status_code) for one in self._actions)

    def looks_into(self, status: int) -> bool:
        """Whether one of them looks into the body of an answer of this status."""
        return any(
            (one.content is not None or one.condition is not None) and _covers(one, status) for one in self._actions
        )

    def holding(
        self, status: int, headers: Mapping[str, str], body: bytes, decoded: Callable[[], Any]
    ) -> ResponseAction | None:
        """The first action whose conditions all hold for an answer; `decoded` gives its body, None where that cannot
        be decoded."""
        for one in self._actions:
            if (
                _covers(one, status)
                and (one.content is None or one.content.encode() in body)
                and all(headers.get(name) == value for name, value in (one.headers or {}).items())
                and (one.condition is None or self._holds(one.condition, decoded()))
            ):
                return one
        return None

    def _holds(self, condition: str, value: Any) -> bool:
        try:
            return is_true(self._conditions[condition](value))
        except JmesPathError:
            # A body that the condition cannot be asked of is not the one that is meant.
            return False


def action_text(action: ResponseAction) -> str:
    """As messages name it: "`response_actions` has `retry` for status 503"."""
    conditions = [f"status {_listed(action.status_code)}"] if action.status_code is not None else []
    for what, text in (("the text", action.content), ("the condition", action.condition)):
        if text is not None:
            shown = text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"
            conditions.append(f"{what} {shown!r}")
    conditions += [f"`{name}: {value}`" for name, value in (action.headers or {}).items()]
    return f"`response_actions` has `{action.action}` for {' and '.join(conditions) or 'every answer'}"


def _covers(action: ResponseAction, status: int) -> bool:
    return action.status_code is None or is_expected(status, action.status_code)


def _listed(status: Status) -> str:
    return " or ".join(map(str, status if isinstance(status, list) else [status]))


class Total:
    """How many rows or pages there are, where the answers say so."""

    def __init__(self, pagination: Pagination) -> None:
        self._path, self._header = pagination.total_path, pagination.total_header
        self._ask = searched(pagination.total_path)
        self.is_named = bool(self._path or self._header)
        self.name = (self._path or self._header or "").rpartition(".")[2].lower().removeprefix("x-")

    def of(self, page: Answered) -> int | None:
        """None where nothing names it, or it is below 0. Raises HttpError where the answer does not say it."""
        total = self.if_said(page)
        if total is not None and total < 0:
            return None
        if total is None and self.is_named:
            where = f"`total_path` ({self._path})" if self._ask is not None else f"`total_header` ({self._header})"
            raise page.error(f"{where} gives no whole number")
        return total

    def if_said(self, page: Answered) -> int | None:
        """None where the answer does not say it. Raises HttpError where it cannot be asked."""
        if self._ask is not None:
            total = asked(self._ask, page, "total_path", page.value)
        else:
            total = page.headers.get(self._header) if self._header is not None else None
        if isinstance(total, str) and (number := _STATED.fullmatch(total)) is not None:
            total = int(number["total"])
        if isinstance(total, float) and total.is_integer():
            total = int(total)
        return total if isinstance(total, int) and not isinstance(total, bool) else None


def more_of(path: str | None) -> Callable[[Answered], bool | None]:
    """What says of a page whether more follows, by a `has_more_path`; None without one. It raises HttpError."""
    ask = searched(path)
    negated = (path or "").partition("!")
    inside = searched(negated[2]) if negated[1] and not negated[0].strip() and is_path(negated[2]) else None

    def says_more(page: Answered) -> bool | None:
        if ask is None or path is None:
            return None
        value = asked(ask, page, "has_more_path", page.value)
        if inside is not None and asked(inside, page, "has_more_path", page.value) is None:
            value = None  # `!` of nothing is true
        if value is None:
            raise page.error(f"`has_more_path` ({path}) finds nothing in the answer")
        is_text = isinstance(value, str) and value.lower() in ("true", "false")
        says = value.lower() == "true" if is_text else is_true(value) and value != 0
        if not says and (right := instead_of_opposite(path)) is not None:
            raise page.error(f"`has_more_path` ({path}) is by its name true on the last page; write `{right}`")
        return bool(says)

    return says_more
