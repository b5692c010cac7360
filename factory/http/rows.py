"""The rows of a page: selected, counted, each once."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from factory.http.page import Page
from factory.http.pages import Came
from factory.http.selection import JmesPathError, counter, search


class RowSelector:
    """Takes the rows out of pages by a `data_selector`; without one, a page is the list of its rows."""

    def __init__(self, selector: str | None) -> None:
        self._selector = selector
        self._select = search(selector) if selector is not None else None
        projects = selector is not None and any(sign in selector for sign in ("[?", "[*]", "[]", "*."))
        self._count = counter(selector) if selector is not None and projects else None

    def rows(self, page: Page) -> Came:
        """The rows of a page; what is selected and no list is one row. Raises HttpError."""
        if page.ignored or page.status == HTTPStatus.NO_CONTENT:
            return Came([], 0)
        if self._select is None:
            if isinstance(page.value, list):
                return Came(page.value, len(page.value))
            raise page.error("the answer must be a list; `data_selector` says where in it the list is")
        try:
            selected = self._select(page.value)
        except JmesPathError as error:
            raise page.error(f"`data_selector` cannot be asked of the answer: {error}") from None
        if selected is None:
            raise page.error(f"`data_selector` ({self._selector}) finds nothing in the answer")
        rows = selected if isinstance(selected, list) else [selected]
        number = self._count(page.value) if self._count is not None else None
        return Came(rows, max(len(rows), number or 0))


class Unique:
    """Hands on the first of the rows that have the same value at a path. Raises JmesPathError."""

    def __init__(self, path: str) -> None:
        self._value_of: Callable[[Any], Any] = search(path)
        self._path = path
        self._seen: set[str] = set()
        self.dropped = 0

    def first_of(self, rows: list[Any], page: Page) -> list[Any]:
        """The rows that did not come before. Raises HttpError for a row without the value."""
        kept = []
        for row in rows:
            value = self._value_of(row)
            if value is None or (isinstance(value, list) and None in value):
                raise page.bare_error(f"a row has nothing at `unique_by` ({self._path})")
            key = json.dumps(value, sort_keys=True)
            if key not in self._seen:
                self._seen.add(key)
                kept.append(row)
        self.dropped += len(rows) - len(kept)
        return kept
