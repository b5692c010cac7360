"""A defect of ours as a finding, so that it takes away nothing but what it is about."""

from __future__ import annotations

from schemas.codes import Code
from schemas.diagnostics import Diagnostic, Span


def check_failed(place: str, what: str, error: Exception) -> Diagnostic:
    """The finding that checking `what` of `place` raised `error`, whose traceback goes to the log."""
    import logging  # noqa: PLC0415 # each start of lint would pay for it

    logging.getLogger(__name__).error("%s could not be checked", place, exc_info=error)
    message = f"checking {what} failed: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    help_text = "this is a defect of the factory, not of the file: please report it with the traceback"
    return Diagnostic(Code.CHECK_FAILED, message, place, Span(1, 1, 1, 2), help=help_text)
