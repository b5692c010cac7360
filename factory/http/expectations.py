"""What an answer must be, what to do about particular ones, and what else a pipeline decides about it: whether more
follows, whether a job is done, and which keys are no signs of a failure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Protocol

from factory.http.answers import Way, keys_of, keys_read
from factory.http.selection import Answered, JmesPathError, absent_key, asked, is_path, negated, search, searched
from schemas.model.http import Expect, HttpRequest, ResponseAction, Status
from schemas.model.polling import instead_of_opposite

_ACCEPTED = 202
_UNDONE = (_ACCEPTED, HTTPStatus.MULTI_STATUS)
_NO = ("", "0", "false", "no", "n")
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


def is_decided(request: HttpRequest, sign: Way) -> bool:
    """Whether a request has a condition that asks for this very key, or for something in it; also one that says where
    its list ends."""
    keys = keys_of(sign)
    conditions = [request.expect.condition, *(one.condition for one in request.response_actions)]
    conditions += [request.until.condition] if request.until is not None else []
    conditions += [request.pagination.has_more_path] if request.pagination is not None else []
    read = [path for one in conditions if one is not None for path in keys_read(one)]
    if request.pagination is not None and request.pagination.stop is not None:
        read += [path[1:] for path in keys_read(request.pagination.stop) if path[:1] == ("page",)]
    return any(path[: len(keys)] == keys for path in read)


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
