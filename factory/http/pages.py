"""The pages of a poll, one after the other, where their list ends, and what moves in it meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from hashlib import blake2b
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from factory.http.call import HttpCall
from factory.http.expectations import is_true
from factory.http.page import Means, Page
from factory.http.selection import is_path, search
from factory.http.signs import Total, asked, searched, sign_of_more, total_of_more, totals_in
from factory.http.steps import Came, Following, step_of
from schemas.model.polling import Pagination

if TYPE_CHECKING:
    from factory.http.window import RowProgress
    from schemas.model.cursor import Moment

_COUNTED = ("offset", "page_number")
_MOST_EMPTY = 1_000
"""Pages without rows, one after the other, for which an answer is believed that more follows."""
_MOST_READINGS = 3


class Pager:
    """The pages of one poll, in order, to the end of the list. Raises JmesPathError for an expression."""

    def __init__(self, pagination: Pagination | None, means: Means) -> None:
        self._pagination = pagination or Pagination.model_construct(type="single_page")
        self._means = means
        self._step = step_of(self._pagination, means)
        self._has_more = searched(self._pagination.has_more_path)
        negated = (self._pagination.has_more_path or "").partition("!")
        self._not_done = searched(negated[2]) if negated[1] and not negated[0].strip() and is_path(negated[2]) else None
        self._stop = searched(self._pagination.stop)
        self._number = self._sent = self._rows = self._empty = 0
        self._total = Total(self._pagination)
        self._before: Sequence[Any] = ()
        self._promise: str | None = None
        self._moved_on: tuple[str, str, int] | None = None

    @property
    def is_counted(self) -> bool:
        """Whether pages are told apart by how many pages or rows come before them."""
        return self._pagination.type in _COUNTED or (self._moved_on is not None and _counts(*self._moved_on))

    def first(self, call: HttpCall) -> HttpCall:
        """The first call, from the one that the pipeline writes."""
        return self._step.first(call)

    def repeats(self, page: Page, came: Came, *, beyond: bool) -> bool:
        """Whether these are the rows of the page before, where the list has ended by a total: `beyond`, or one that the
        pipeline does not name."""
        if not came.sent or came.sent != self._before:
            return False
        return beyond or any(total == self._sent for _, total in totals_in(page))

    def after(self, page: Page, came: Came) -> Following | None:
        """What is requested after a page; None after the last. Raises HttpError."""
        self._number += 1
        self._before = came.sent
        self._sent += came.number
        self._rows += len(came.rows)
        if page.ignored or (page.value is None and not page.body):
            self._check_silent(page)
        if page.ignored:
            return None
        if self._stop is not None and self._stops(page, came):
            self._means.tell(f"{page.named}: `stop` holds, so the list ends here")
            return None
        more = self._says_more(page)
        self._empty = 0 if came.number else self._empty + 1
        if more and self._empty == _MOST_EMPTY:
            raise page.error(f"`has_more_path` says that more follows, after {_MOST_EMPTY} pages without rows")
        following = None if more is False else self._step.after(page, came, more)
        if following is None and more:
            raise page.error("`has_more_path` says that more follows, and there is nothing to ask for it by")
        if following is None and (more is False or self._pagination.type not in _COUNTED):
            self._check_total(page)
        if following is None and more is None and self._stop is None:
            self._check_unnamed_total(page)
        if following is not None:
            self._moved_on = page.call.url, following.call.url, came.number
        self._promise = "a total or `has_more_path`" if following is not None and following.promised else None
        if self._promise is None and (sign := sign_of_more(page)) is not None:
            self._promise = f"`{sign}`"
        return following

    def _check_total(self, page: Page) -> None:
        total = self._total.of(page)
        by_page = self._pagination.type == "page_number"
        read = self._number if by_page else self._sent + (self._pagination.offset or 0)
        # Of lists in lists, the total may be that of either.
        if total is not None and read < total and (by_page or self._rows != total):
            what = "pages" if by_page else "rows"
            raise page.error(f"the list ends here after {read:,} {what}, but its total is {total:,}")

    def _check_unnamed_total(self, page: Page) -> None:
        """Where the pipeline does not say how a list ends, the answer may. A page without rows is the end of a counted
        list, unless all of its rows are hidden from who asks."""
        if self._total.is_named or self._pagination.type == "single_page":
            return
        read = max(self._sent, self._rows) + (self._pagination.offset or 0)
        if (total := total_of_more(page, read)) is None:
            return
        text = f"the list ends here after {read:,} rows, but the answer has `{total}`"
        if self._pagination.type in _COUNTED:
            raise page.error(f"{text}; `total_path`, `has_more_path` or `stop` says where it ends")
        self._means.log(f"{page.named}: {text}")

    def _check_silent(self, page: Page) -> None:
        """An answer that says nothing is the end of a counted list, whose end is known by asking behind it. Of any
        other list, where the server failed, and where the page before says that more follows, rows would be lost."""
        if self._number == 1:
            return
        counted = self._pagination.type in _COUNTED
        what = f"`response_actions` ignores the answer {page.status} here" if page.ignored else "its body is empty"
        if counted and self._promise is not None:
            raise page.bare_error(f"{what}, but by {self._promise} the page before it says that more rows follow")
        is_end = 400 <= page.status < 500 and page.status not in (401, 403, 408, 429)
        if page.ignored and not (counted and is_end):
            raise page.bare_error(f"{what}, but the page before it says that more rows follow, which would be lost")
        if not page.ignored and page.status != HTTPStatus.NO_CONTENT:
            raise page.bare_error(f"{what}, so it does not say whether the list ends here")

    def _stops(self, page: Page, came: Came) -> bool:
        headers = {name.lower(): value for name, value in page.headers.items()}
        scope = {
            "page": page.value,
            "rows": came.rows,
            "last": came.rows[-1] if came.rows else None,
            "headers": headers,
        }
        assert self._stop is not None  # noqa: S101 # asked by the caller
        return is_true(asked(self._stop, page, "stop", scope))

    def _says_more(self, page: Page) -> bool | None:
        if self._has_more is None:
            return None
        value = asked(self._has_more, page, "has_more_path", page.value)
        if self._not_done is not None and asked(self._not_done, page, "has_more_path", page.value) is None:
            value = None  # `!` of nothing is true
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if value is None:
            raise page.error(f"`has_more_path` ({self._pagination.has_more_path}) finds nothing in the answer")
        return is_true(value) and value != 0


def _counts(url: str, following: str, rows: int) -> bool:
    """Whether a link counts pages or rows, as `page=3` behind `page=2` does."""
    before, after = (parse_qs(urlsplit(one).query) for one in (url, following))
    changed = [name for name in after if after[name] != before.get(name)]
    if len(changed) != 1:
        return False
    then, now = before.get(changed[0], ["1" if after[changed[0]] == ["2"] else "0"])[0], after[changed[0]][0]
    return then.isdecimal() and now.isdecimal() and int(now) - int(then) in (1, rows)


class _Version(NamedTuple):
    """Of a row that was handed on: the reading of the list in which it last came, its place, its moment and digest."""

    reading: int
    place: int
    moment: Moment | None
    digest: int


class Unique:
    """Hands on one of the rows that have the same value at a path: the first, or where `versions` can tell, the newest.
    The watermark comes to the newest, so no later run would get it. Raises JmesPathError."""

    def __init__(self, path: str, versions: RowProgress | None = None) -> None:
        self._value_of: Callable[[Any], Any] = search(path)
        self._path = path
        self._versions = versions
        self._reading = 1
        # By hashes, since texts may be of any length: no two of 128 bits will ever be the same. A number is that of the
        # reading in which a row last came, below zero where it was not handed on.
        self._seen: dict[bytes, _Version | int] = {}
        self._keys: dict[int, bytes] = {}
        self.dropped = self.changed = self.new = 0

    def read_again(self) -> None:
        """The list is read once more; `new` then counts the rows that no reading before had."""
        self._reading += 1
        self.new = 0

    def met(self, rows: Sequence[Any]) -> list[Any]:
        """Those of the rows of a page that came on an earlier page of this reading."""
        self._keys = {id(row): key for row in rows if (key := self._key(row)) is not None}
        again = [row for row in rows if self._came_in(self._keys.get(id(row), b"")) == self._reading]
        for key in self._keys.values():
            before = self._seen.get(key, -1)
            if isinstance(before, _Version):
                self._seen[key] = before._replace(reading=self._reading)
            else:
                self._seen[key] = self._reading if before > 0 else -self._reading
        return again

    def first_of(
        self, rows: list[Any], error: Callable[[str], Exception], handed_on: list[Any] | None = None
    ) -> list[Any]:
        """The rows to hand on behind `handed_on`, in which newer versions are put in place. Where that is None,
        it is out of reach, and newer versions follow. Raises `error` for a row without the value."""
        kept: list[Any] = []
        for row in rows:
            key = self._keys.get(id(row)) or self._key(row)
            if key is None:
                raise error(f"a row has nothing at `unique_by` ({self._path})")
            place = len(handed_on or ()) + len(kept)
            seen = self._seen.get(key, -1)
            if isinstance(seen, int) and seen < 0:
                kept.append(row)
                self.new += 1
            elif (before := self._newer_than(row, seen)) is None:
                self.dropped += self._reading == 1
                continue
            else:
                self.changed += 1
                self.new += 1
                if handed_on is None:
                    kept.append(row)
                else:
                    place = before
                    into, at = (handed_on, place) if place < len(handed_on) else (kept, place - len(handed_on))
                    into[at] = row
            versions = self._versions
            self._seen[key] = (
                self._reading
                if versions is None
                else _Version(self._reading, place, versions.version(row), hash(repr(row)))
            )
        return kept

    def _key(self, row: Any) -> bytes | None:
        value = self._value_of(row)
        if value is None or (isinstance(value, list) and None in value):
            return None
        return blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).digest()

    def _came_in(self, key: bytes) -> int:
        seen = self._seen.get(key, 0)
        return seen.reading if isinstance(seen, _Version) else abs(seen)

    def _newer_than(self, row: Any, seen: _Version | int) -> int | None:
        """The place of the version that this row is newer than; None where it is not. Of another one that says the same
        moment, it is."""
        if isinstance(seen, int) or self._versions is None:
            return None
        now = self._versions.version(row)
        if now is not None and seen.moment is not None and self._versions.is_later(seen.moment, now):
            return None
        return None if now == seen.moment and hash(repr(row)) == seen.digest else seen.place


class Readings:
    """How often a counted list is read. Where a row moves down meanwhile, as one that changes does in a list that is
    sorted by changes, others move up to pages that were read already. A row that moves comes on two pages; then the
    list is read once more, until nothing moves, or nothing comes that was not there before."""

    def __init__(self, unique: Unique) -> None:
        self._unique = unique
        self._number = 1
        self._has_moved = False
        self._before: Sequence[Any] = ()

    def take(self, came: Came) -> None:
        """Take a page in, with what the selector leaves out of its list: that moves, too."""
        rows = came.sent if set(map(id, came.rows)) <= set(map(id, came.sent)) else came.rows
        again = self._unique.met(rows)
        # New rows at the top of a list only push: a page then begins with the last rows of the one before it.
        if again and not again == list(rows[: len(again)]) == list(self._before[-len(again) :]):
            self._has_moved = True
        self._before = rows

    def again(self, page: Page, *, is_counted: bool) -> bool:
        """Whether the list is to be read once more, after its last page. Raises HttpError where that is of no use."""
        if not (self._has_moved and is_counted and (self._number == 1 or self._unique.new)):
            return False
        if self._number == _MOST_READINGS:
            raise page.bare_error(
                f"rows moved from page to page each of {_MOST_READINGS} times that the list was read, so others may be "
                "left out; sort by what never changes, such as the id"
            )
        self._number += 1
        self._has_moved, self._before = False, ()
        self._unique.read_again()
        return True
