"""What the errors of a load mean, and which of them pass when it is tried again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from factory.data.database_words import database_words, what_to_write
from factory.data.places import RowFileError
from factory.data.sql import SQLITE_PATIENCE

T = TypeVar("T")
_TRIES = 5
_TRANSIENT = (
    "already exists",
    "duplicate column",
    "duplicate key",
    "database is locked",
    "deadlock",
    "pg_type_typname_nsp_index",
    "conflict",
)


class LoadError(Exception):
    """Rows that cannot be loaded; the text says why."""


def patiently(action: Callable[[], T], statement: str = "") -> T:
    """Do it again where another load was in the way: two that make one table at once, a deadlock, SQLite's lock, or
    the lock of a DuckDB file, which one process at a time can open. Raises LoadError."""
    until, number = time.monotonic() + SQLITE_PATIENCE, 0
    while True:
        try:
            return action()
        except Exception as error:
            text, number = reason(error, statement), number + 1
            locked = "Could not set lock on file" in text and time.monotonic() < until
            again = number < _TRIES and any(part in text.lower() for part in _TRANSIENT)
            if not (locked or again):
                raise LoadError(text) from None
            time.sleep(random.uniform(0, 0.2 * 2 ** min(number, _TRIES)))  # noqa: S311 # two must not meet again


def reason(error: BaseException, statement: str = "") -> str:
    """The innermost cause of what dlt raised, in one line; what is raised here is for people already."""
    while not isinstance(error, LoadError | RowFileError):
        inner = getattr(error, "dbapi_exception", None) or error.__cause__ or error.__context__
        if not isinstance(inner, BaseException) or inner is error:
            break
        error = inner
    said = database_words(error, statement) or type(error).__name__
    told = what_to_write(said)
    return said if told in said else f"{said} {told}"
