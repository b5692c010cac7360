"""Rows that come more than once in a list: one of them is handed on, and they show that rows moved while it was read,
which matters where requests count pages or rows; and places of pages that come again, also by a redirect."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, parse_qsl, urlsplit

from factory.http.call import HttpCall, fields_of
from factory.http.page import Page
from factory.http.selection import JmesPathError, search
from schemas.model.cursor import has_lost_digits

if TYPE_CHECKING:
    from factory.http.progress import RowProgress
    from schemas.model.cursor import Moment
    from schemas.model.polling import Pagination

_MOST_READINGS = 3
_SIZE = re.compile(r"limit|size|per|count|top|max", re.IGNORECASE)
"""Names of a page's size, which links say and the first request may not."""
_NUMBERS = re.compile(r"[0-9]+")


class Came(NamedTuple):
    """What came with a page: its rows, and the list that the server sent, with what a condition of the selector leaves
    out. `behind`: how many of its last are left out."""

    rows: Sequence[Any]
    sent: Sequence[Any]
    behind: int = 0

    @property
    def number(self) -> int:
        """How many the server sent."""
        return len(self.sent)


class _Version(NamedTuple):
    """Of a row that was handed on."""

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
        # By hashes, since texts may be of any length: no two of 128 bits will ever be the same.
        self._seen: dict[bytes, _Version | None] = {}
        self._keys: dict[int, bytes] = {}
        self._met: set[bytes] = set()
        self._is_first_reading = True
        self._included: Mapping[str, Any] = {}
        self.dropped = self.changed = self.new = 0

    def begin(self, included: Mapping[str, Any]) -> None:
        """Another list, into whose rows these values will be put."""
        self.read_again()
        self._is_first_reading, self._included = True, included

    def read_again(self) -> None:
        """Once more: `new` counts the rows that no reading before had."""
        self._is_first_reading = False
        self._met.clear()
        self.new = 0

    @property
    def different(self) -> int:
        """How many rows came in this reading."""
        return len(self._met)

    def met(self, rows: Sequence[Any]) -> list[Any]:
        """Those of the rows of a page that came on an earlier page of this reading."""
        self._keys = {id(row): key for row in rows if (key := self._key(row)) is not None}
        again = [row for row in rows if self._keys.get(id(row)) in self._met]
        self._met.update(self._keys.values())
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
            if key not in self._seen:
                kept.append(row)
                self.new += 1
            elif (before := self._newer_than(row, self._seen[key])) is None:
                self.dropped += self._is_first_reading
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
            version = None if versions is None else _Version(place, versions.version(row), hash(repr(row)))
            self._seen[key] = version
        return kept

    def _key(self, row: Any) -> bytes | None:
        value = self._value_of({**self._included, **row} if self._included and isinstance(row, dict) else row)
        if value is None or (isinstance(value, list) and None in value):
            return None
        if any(map(has_lost_digits, value if isinstance(value, list) else (value,))):
            raise JmesPathError(f"`unique_by` gives {value!r}, which may have lost digits; `decimals: text` keeps them")
        return blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).digest()

    def _newer_than(self, row: Any, seen: _Version | None) -> int | None:
        """The place of the version that this row is newer than; None where it is not. Of another one that says the same
        moment, it is."""
        if seen is None or self._versions is None:
            return None
        now = self._versions.version(row)
        if now is not None and seen.moment is not None and self._versions.is_later(seen.moment, now):
            return None
        return None if now == seen.moment and hash(repr(row)) == seen.digest else seen.place


class Readings:
    """How often a list is read. Where a row moves down meanwhile, as one that changes does in a list that is sorted by
    changes, others move up to pages that were read already, unless the place of a page is a value of its rows. A row
    that moves comes on two pages; then the list is read once more, until nothing moves, or nothing comes that was not
    there before."""

    def __init__(self, unique: Unique, log: Callable[[str], None]) -> None:
        self._unique = unique
        self._log = log
        self._number = 1
        self._has_moved = self._has_repeated = False
        self._before: Sequence[Any] = ()

    def take(self, came: Came) -> None:
        """Take a page in, with what the selector leaves out of its list: that moves, too."""
        rows = came.sent if set(map(id, came.rows)) <= set(map(id, came.sent)) else came.rows
        again = self._unique.met(rows)
        # New rows at the top of a list only push: a page then begins with the last rows of the one before it.
        if again and not again == list(rows[: len(again)]) == list(self._before[-len(again) :]):
            self._has_moved = True
        self._has_repeated = self._has_repeated or bool(again)
        self._before = rows

    def again(self, page: Page, rows_at_first: int | None, *, is_counted: bool) -> bool:
        """Whether the list is to be read once more, after its last page: it began with so many rows, and its pages may
        be counted. Raises HttpError where reading is of no use."""
        is_short = self._has_repeated and self._unique.different < (rows_at_first or 0)
        if not ((self._has_moved or is_short) and (self._number == 1 or self._unique.new)):
            return False
        if self._number == _MOST_READINGS:
            reason = (
                f"rows moved from page to page each of {_MOST_READINGS} times that the list was read, so others may be "
                "left out; sort by what never changes, such as the id"
            )
            if is_counted:
                raise page.bare_error(reason)
            # By a cursor that is a value of rows, such as the time of a change, none would be.
            self._log(f"{page.named}: {reason}")
            return False
        self._number += 1
        self._has_moved, self._has_repeated, self._before = False, False, ()
        self._unique.read_again()
        return True


class Places:
    """The places of pages, none of which may come twice: such a list would never end. Where the pipeline says how it
    ends, a server may give one place again and again for other rows, as a scroll does."""

    def __init__(self, pagination: Pagination) -> None:
        self._has_end = pagination.stop is not None or pagination.has_more_path is not None
        self.seen: set[str] = set()
        self._last: tuple[str, Sequence[Any]] = ("", ())

    def take(self, place: str, sent: Sequence[Any]) -> str | None:
        """What is wrong with the place that a page names for the next one."""
        (last, before), self._last = self._last, (place, sent)
        if place not in self.seen or (self._has_end and place == last and sent != before):
            self.seen.add(place)
            return None
        hint = ", and its rows are no others" if place == last else ""
        return hint if self._has_end else "; `has_more_path` or `stop` says where a list ends that always has another"


def counts(before: HttpCall, after: HttpCall, rows: int) -> bool:
    """Whether requests count pages or rows in one place, as `page=3` behind `page=2` does: in the query, the path, a
    header field or the body, also inside a text (`o20`) or in base64."""
    then, now = _places(before), _places(after)
    changed = [name for name in now if now[name] != then.get(name)]
    if len(changed) > 1:
        changed = [name for name in changed if name in then or _SIZE.search(name) is None]
    if len(changed) > 1:
        changed = [name for name in changed if name in then or _NUMBERS.search(now[name]) is not None]
    if len(changed) != 1:
        return False
    last, at = now[changed[0]], then.get(changed[0])
    first = _NUMBERS.sub("1" if _NUMBERS.findall(last) == ["2"] else "0", last) if at is None else at
    if _NUMBERS.sub("#", first) != _NUMBERS.sub("#", last):
        return False
    steps = [int(b) - int(a) for a, b in zip(_NUMBERS.findall(first), _NUMBERS.findall(last), strict=True) if a != b]
    return len(steps) == 1 and steps[0] in (1, rows)


def _places(call: HttpCall) -> dict[str, str]:
    """What a request says, by where it says it."""
    parts = urlsplit(call.url)
    found = {f"/{number}": part for number, part in enumerate(parts.path.split("/"))}
    found |= {name: values[0] for name, values in parse_qs(parts.query).items()}
    found |= {f"{name.lower()}:": value for name, value in call.headers.items() if name.lower() != "content-length"}
    found |= {f".{name}": value for name, value in fields_of(call.body or b"")}
    return {name: _readable(value) for name, value in found.items()}


def _readable(text: str) -> str:
    if text.isdecimal():
        return text
    with suppress(ValueError):
        plain = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
        return plain if plain.isprintable() and _NUMBERS.search(plain) is not None else text
    return text


class Redirects:
    """A redirect that leaves out what says which page is asked for leads to one that was read already."""

    def __init__(self) -> None:
        self._asked_of: dict[str, str] = {}

    def check(self, page: Page, *, may_repeat: bool) -> None:
        """Raises HttpError. `may_repeat`: the page is one behind the list's total."""
        before = self._asked_of.setdefault(page.call.url, page.asked)
        if page.asked == page.call.url or may_repeat:
            return
        if page.asked != before:
            raise page.error("it was redirected to another page of the list, which was read before")
        if (names := _left_out(next(iter(self._asked_of.values())), page.asked, page.call.url)) is not None:
            text = f"it was redirected to an address without {names}"
            raise page.error(f"{text}, so this is not the page that was asked for")


def _left_out(first: str, asked: str, at: str) -> str | None:
    """The parameters that the address `asked` for has, the `first` one of the list has not, and a redirect `at` has
    neither; None where it keeps one."""
    begun, wanted, led = map(urlsplit, (first, asked, at))
    own = set(parse_qsl(wanted.query)) - set(parse_qsl(begun.query))
    kept = {part for pair in parse_qsl(led.query) for part in pair}
    if not own or wanted.path != led.path or any(part in kept for pair in own for part in pair):
        return None
    return ", ".join(f"`{name}`" for name, _ in sorted(own))
