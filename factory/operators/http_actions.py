"""What is done about particular answers, in place of what their status stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from factory.operators.http_expectations import StatusPattern, is_expected

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


def action_for(actions: Sequence[ResponseAction], status: int, body: bytes) -> Action | None:
    """The first action that holds for an answer."""
    for one in actions:
        if one.covers_status(status) and (one.content is None or one.content.encode() in body):
            return one.action
    return None
