"""What is done about particular answers, in place of what their status stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from factory.operators.http_expectations import StatusPattern, is_expected

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
