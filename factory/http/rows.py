"""The rows of a page, selected, counted, each once; one request for each row, or each batch of rows, of another answer;
and values that are known when a request is made (`${cursor.start}`, `${cursor.end}`, `${each.NAME}`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from itertools import islice, takewhile
from typing import Any
from urllib.parse import quote

from factory.http.answers import Way, ways_to
from factory.http.page import Page
from factory.http.repeats import Came
from factory.http.selection import JmesPathError, absent_key, is_path, kept_of, named, search, source
from schemas.model.cursor import has_lost_digits
from schemas.model.http import Each, HttpRequest

_PLAIN = re.compile(r"[\w.@]+")
_SHORT, _YEAR = 4, re.compile("(?:19|20)[0-9]{2}")


class RowSelector:
    """Takes the rows out of pages by a `data_selector`; without one, a page is the list of its rows."""

    def __init__(self, selector: str | None) -> None:
        self._selector = selector
        self._select = search(selector) if selector is not None else None
        self._kept = kept_of(selector) if selector is not None and "[?" in selector else None
        self._source = source(selector) if selector is not None and not _PLAIN.fullmatch(selector) else None
        self._builds = selector is not None and "{" in selector
        self.ways = ways_to(selector) if selector is not None else frozenset[Way]()
        """Those to the rows."""

    def rows(self, page: Page, *, beyond: bool = False) -> Came:
        """The rows of a page; what is selected and no list is one row. `beyond`: the list ended before it, so that it
        may have no place for any. Raises HttpError."""
        if page.ignored or page.status == HTTPStatus.NO_CONTENT or (beyond and page.value is None):
            return Came([], [])
        if self._select is None:
            if isinstance(page.value, list):
                return Came(page.value, page.value)
            if _is_numbered(page.value):
                raise page.error(f"the answer {_NUMBERED}; `data_selector: '* || @'` takes its rows")
            raise page.error("the answer must be a list; `data_selector` says where in it the list is")
        try:
            selected = self._select(page.value)
            sent = self._source(page.value) if self._source is not None else None
        except JmesPathError as error:
            raise page.error(f"`data_selector` cannot be asked of the answer: {error}") from None
        if selected is None and beyond:
            return Came([], [])
        if selected is None:
            raise page.error(f"`data_selector` ({self._selector}) finds nothing in the answer")
        if _is_numbered(selected):
            one = str(self._selector)
            hint = "* || @" if one == "@" else f"{one}.* || {one}" if is_path(one) else "values(…)"
            text = (
                f"what `data_selector` ({one}) takes {_NUMBERED}; `{hint}` takes its rows, and `[{one}]` it as one row"
            )
            raise page.error(text)
        # Without rows, PHP may write an empty mapping.
        rows = selected if isinstance(selected, list) else [selected] if selected != {} else []
        if "[]" in str(self._selector) and any(map(_is_numbered, rows)):
            text = f"a row that `data_selector` ({self._selector}) takes {_NUMBERED}"
            raise page.error(f"{text}; take what is in it, or write `[*]` for `[]`")
        if len(rows) > 1 and self._builds and all(map(_has_nothing, rows)):
            raise page.error(self._nothing_in(rows, rows if sent is None else sent))
        return Came(rows, rows if sent is None else sent, self._left_out_behind(page.value, sent))

    def _nothing_in(self, rows: Sequence[Any], sent: Sequence[Any]) -> str:
        """What is wrong with a selector that builds rows of nothing but null."""
        text = f"`data_selector` ({self._selector}) takes nothing but null from each of {len(rows):,} rows"
        if isinstance(first := sent[0] if sent else None, Mapping):
            return f"{text}; the first one has {named([str(key) for key in first])}"
        is_apart = isinstance(first, list) and "[]" in str(self._selector)
        return f"{text}; `[]` takes lists in lists apart, and `[*]` does not" if is_apart else text

    def _left_out_behind(self, value: Any, sent: Sequence[Any] | None) -> int:
        """How many of the last items that were sent a condition leaves out."""
        kept = (self._kept(value) if self._kept is not None and sent else None) or [None]
        behind = sum(1 for _ in takewhile(lambda one: one is not kept[-1], reversed(sent or ())))
        return behind if kept[-1] is not None and behind < len(sent or ()) else 0


def _has_nothing(row: Any) -> bool:
    return isinstance(row, dict) and all(value is None for value in row.values())


def _is_numbered(value: Any) -> bool:
    """Whether a value is a mapping of mappings by number, in whose place a list is meant."""
    if not isinstance(value, dict) or not str(next(iter(value), "")).isdecimal():
        return False
    is_by_year = all(_YEAR.fullmatch(str(key)) for key in value)
    return not is_by_year and all(str(key).isdecimal() and isinstance(one, dict) for key, one in value.items())


_NUMBERED = "is a mapping of rows by number, as PHP writes a list with gaps"


def beside(value: list[Any], sent: Sequence[Any]) -> dict[str, Any] | None:
    """Of an answer that is a short list, its mappings that are no rows, by their places: `[{"total": 9}, [rows]]`."""
    if value is sent or not 0 < len(value) <= _SHORT:
        return None
    rows = set(map(id, sent))
    found = {f"[{at}]": one for at, one in enumerate(value) if isinstance(one, dict) and id(one) not in rows}
    return found or None


class EachError(Exception):
    """The rows cannot be asked for; the text says which and why."""


def requests_for(request: HttpRequest, each: Each, rows: Any) -> Iterator[tuple[HttpRequest, dict[str, Any]]]:
    """A request for each row, and what is put into each row that it brings. Raises EachError."""
    included = each.include if isinstance(each.include, dict) else {name: name for name in each.include}
    for number, values in enumerate(_batches(_all(rows), each.batch)):
        row = {} if each.batch is not None else _named(values)
        try:
            yield (
                filled(request, "each", row if each.batch is None else [_named(one) for one in values]),
                {name: _included(row, path) for name, path in included.items()} if each.batch is None else {},
            )
        except MissingValueError as error:
            what = "row" if each.batch is None else "a row of batch"
            raise EachError(f"{what} {number} of `each`: {error}") from None


def _included(row: Mapping[str, Any], path: str) -> Any:
    """The value of a row at a path. Raises MissingValueError where the row has no such key."""
    value = search(path)(row)
    absent = absent_key(row, path) if value is None else None
    if absent is not None:
        raise MissingValueError(f"it has nothing at `{path}`, which `include` puts in; it has {named(list(row))}")
    return value


def with_included(rows: list[Any], included: Mapping[str, Any]) -> list[Any]:
    """The rows with what is included. Raises EachError where that would replace a value of a row."""
    if not included:
        return rows
    made = []
    for row in rows:
        if not isinstance(row, dict):
            raise EachError("`include` puts values into rows, and a row is no mapping")
        for name, value in included.items():
            if name in row and row[name] != value:
                raise EachError(
                    f"a row has `{name}` itself; `include: {{other_name: {name}}}` puts the value there under another "
                    "name"
                )
        made.append({**included, **row})
    return made


def _all(rows: Any) -> Iterable[Any]:
    if isinstance(rows, str):
        # Most polls read no files.
        from factory.data.row_files import read_rows  # noqa: PLC0415

        return read_rows(rows)
    rows = [] if rows is None else rows
    if isinstance(rows, list):
        return rows
    raise EachError(f"`each.rows` must be a list, or the path of a file of rows, not {type(rows).__name__}")


def _batches(rows: Iterable[Any], size: int | None) -> Iterator[Any]:
    if size is None:
        yield from rows
        return
    pending = iter(rows)
    yield from iter(lambda: list(islice(pending, size)), [])


def _named(row: Any) -> Mapping[str, Any]:
    """The values of a row by name; a row that is no mapping is `${each.value}`."""
    return row if isinstance(row, Mapping) else {"value": row}


_PLACEHOLDER = re.compile(r"\$\{(?P<root>cursor|each)\.(?P<name>[A-Za-z_][\w.-]*)\}")
_FIELDS = ("url", "headers", "params", "json_body", "data", "body")


class MissingValueError(Exception):
    """A request takes a value that there is none of; the text says which."""


Values = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""Values by name; or those of several rows, of which each must have one: a list in a request where one is missing would
not ask for that row."""


def filled(request: HttpRequest, root: str, values: Values) -> HttpRequest:
    """The request with the values of one root, such as `cursor`. Alone in a text a value keeps its type; inside one,
    lists are joined by commas, and in the URL values are escaped. Raises MissingValueError."""
    changed = {}
    for field in _FIELDS:
        before = getattr(request, field)
        after = _filled(before, root, values, in_url=field == "url")
        if after != before:
            changed[field] = after
    pages = request.pagination
    if pages is not None and pages.next_request is not None:
        following = pages.next_request
        own = {"url": _filled(following.url, root, values, in_url=True)} | {
            field: _filled(getattr(following, field), root, values) for field in ("params", "json_body")
        }
        changed["pagination"] = pages.model_copy(update={"next_request": following.model_copy(update=own)})
    return request.model_copy(update=changed) if changed else request


def takes(request: HttpRequest, name: str) -> bool:
    """Whether a request takes a value, such as `cursor.end`."""
    return f"${{{name}}}" in repr([request.pagination, *(getattr(request, field) for field in _FIELDS)])


def _filled(value: Any, root: str, values: Values, *, in_url: bool = False) -> Any:
    if isinstance(value, str):
        made = _text(value, root, values, in_url) if f"${{{root}." in value else value
        if in_url and made != value:
            _check_path(value, made, root)
        return made
    if isinstance(value, dict):
        return {key: _filled(child, root, values) for key, child in value.items()}
    return [_filled(child, root, values) for child in value] if isinstance(value, list) else value


def _check_path(text: str, made: Any, root: str) -> None:
    """Servers and clients take `..` in a path for the part above, and may leave out what is empty: the address of
    something else would be requested. Raises MissingValueError."""
    parts, filled_in = (re.split("[?#]", str(one))[0].split("/") for one in (text, made))
    for before, after in zip(parts, filled_in, strict=False):
        if f"${{{root}." in before and after in ("", ".", "..") and len(parts) == len(filled_in):
            raise MissingValueError(f"`{before}` in the path of the URL is `{after}`, which leads to another address")


def _text(text: str, root: str, values: Values, in_url: bool) -> Any:
    whole = _PLACEHOLDER.fullmatch(text)
    if whole is not None and whole["root"] == root:
        return _value(values, root, whole["name"])

    def replaced(match: re.Match[str]) -> str:
        if match["root"] != root:
            return match.group()
        value = _value(values, root, match["name"])
        if isinstance(value, list):
            return ",".join(_plain(one, in_url) for one in value)
        return _plain(value, in_url)

    return _PLACEHOLDER.sub(replaced, text)


def _value(values: Values, root: str, name: str) -> Any:
    if not isinstance(values, Mapping):
        return [_value(one, root, name) for one in values]
    found: Any = values
    for key in name.split("."):
        found = found.get(key) if isinstance(found, Mapping) else None
    if found is None or has_lost_digits(found):
        what = "no value" if found is None else f"{found!r}, a float that may have lost digits,"
        raise MissingValueError(f"there is {what} for `${{{root}.{name}}}`")
    return found


def _plain(value: Any, in_url: bool) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return quote(text, safe="") if in_url else text
