"""What an answer must be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

from factory.http.selection import JmesPathError, search

StatusPattern = int | str


@dataclass(frozen=True, slots=True)
class Expectations:
    """Each holds for every page. `content_type`: media types, without parameters; `condition`: a JMESPath expression
    that is true of the decoded body; `json_schema`: a JSON Schema of it."""

    status: tuple[StatusPattern, ...] = ("2xx",)
    content_type: tuple[str, ...] = ()
    json_schema: Mapping[str, Any] | None = None
    condition: str | None = None


class Expectation:
    """Holds answers against what is expected; what is needed for that is made once."""

    def __init__(self, expectations: Expectations) -> None:
        self._expectations = expectations
        self._condition = search(expectations.condition) if expectations.condition is not None else None
        self._types = frozenset(media_type.lower() for media_type in expectations.content_type)
        self._schema = _validator(expectations.json_schema) if expectations.json_schema is not None else None

    def expects(self, status: int) -> bool:
        """Whether this status is a good one."""
        return is_expected(status, self._expectations.status)

    def refused_type(self, media_type: str) -> str | None:
        """What is wrong with a media type; None if nothing is."""
        if not self._types or media_type.lower() in self._types:
            return None
        wanted = " or ".join(self._expectations.content_type)
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
            if not _is_true(holds):
                return f"the condition `{self._expectations.condition}` does not hold"
        return None


def is_expected(status: int, expected: Sequence[StatusPattern]) -> bool:
    """Whether a status is one of `expected`: codes such as 200, or ranges such as `2xx`."""
    return any(status == pattern if isinstance(pattern, int) else str(status)[0] == pattern[0] for pattern in expected)


def unexpected_status(status: int, expected: Sequence[StatusPattern], start_of_body: str) -> str:
    """What came in place of what was expected, on one line."""
    wanted = " or ".join(map(str, expected))
    what = f"it answered {status_text(status)}, expected {wanted}"
    return f"{what}: {start_of_body}" if start_of_body else f"{what}, without a body"


def status_text(status: int) -> str:
    """`404 Not Found`; the number alone where it has no name."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _is_true(value: Any) -> bool:
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


_LONGEST_TEXT = 40
Action = Literal["fail", "ignore", "retry", "skip"]


@dataclass(frozen=True, slots=True)
class ResponseAction:
    """Holds for answers with one of the statuses (any, if there is none) whose body has the text `content` in it."""

    action: Action
    status: tuple[StatusPattern, ...] = ()
    content: str | None = None

    def covers_status(self, status: int) -> bool:
        """Whether an answer of this status can be meant."""
        return not self.status or is_expected(status, self.status)

    def __str__(self) -> str:
        """As messages name it: "`response_actions` has `retry` for status 503"."""
        conditions = [f"status {' or '.join(map(str, self.status))}"] if self.status else []
        if self.content is not None:
            text = self.content if len(self.content) <= _LONGEST_TEXT else self.content[:_LONGEST_TEXT] + "…"
            conditions.append(f"the text {text!r}")
        return f"`response_actions` has `{self.action}` for {' and '.join(conditions) or 'every answer'}"


def action_for(actions: Sequence[ResponseAction], status: int, body: bytes) -> ResponseAction | None:
    """The first action that holds for an answer."""
    for one in actions:
        if one.covers_status(status) and (one.content is None or one.content.encode() in body):
            return one
    return None
