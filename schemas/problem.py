"""What is wrong at a path of an effective document, before it has a place in a file."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.codes import Code, Severity
from schemas.data_path import DataPath
from schemas.mend import Mend


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding at a path; `at_key` points at the key in place of the value, `part` at a range of the value's text."""

    code: Code
    path: DataPath
    message: str
    at_key: bool = False
    caret: str = ""
    help: str = ""
    allowed: tuple[str, ...] = ()
    mend: Mend | None = None
    part: tuple[int, int] | None = None
    severity: Severity | None = None
