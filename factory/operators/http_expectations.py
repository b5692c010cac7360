"""What an answer must be."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

StatusPattern = int | str


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
