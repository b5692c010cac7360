"""Asks an API once; what its answer says of a poll: where its rows are, how pages follow, the rows' key and columns."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote
from urllib.request import Request, urlopen

from schemas.compose.env_values import SHORTEST_SECRET, names_secret, without
from schemas.rules.secrets import hidden_in
from schemas.text.edits import flow

ROWS_KEPT = 3
"""Rows of the answer that its test keeps."""
_DEEPEST = 4
_MOST_COLUMNS = 60
_KEYS = ("id", "_id", "uuid", "guid", "key", "number", "code", "slug")
_LINKS = ("next", "next_url", "next_page", "next_link", "nextlink", "next_page_url", "@odata.nextlink", "href")
_CURSORS: Mapping[str, str] = {
    "next_cursor": "cursor", "nextcursor": "cursor", "cursor": "cursor", "next_page_token": "page_token",
    "nextpagetoken": "pageToken", "after": "after", "next_token": "next_token", "nexttoken": "nextToken",
    "continue": "continue", "offset": "offset", "next": "cursor",
}  # fmt: skip
"""Keys of a cursor, in lower case → the parameter that usually takes it."""
_PAGES = ("pages", "total_pages", "totalpages", "page_count", "pagecount", "last_page", "num_pages")
_PAGE = ("page", "current_page", "currentpage", "page_number", "pagenumber")
_TOTALS = ("total", "total_count", "totalcount", "count", "total_results", "totalresults")
_LIMITS = ("limit", "per_page", "page_size", "pagesize")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")
_HALF = re.compile("[\ud800-\udfff]")
"""Half of a character, which JSON can write and UTF-8 cannot."""
_WIDE = "wide"
"""Whole numbers that no column of numbers takes."""
_OF_KEYS = frozenset({"bigint", "bool", "text", "date", "timestamp"})
_WORD = re.compile(r"[A-Za-z_]\w*")

_SECONDS = 30
_MOST_BYTES = 20_000_000

Path = tuple[str, ...]


class AnswerError(Exception):
    """Why no answer can be made use of."""


@dataclass(frozen=True)
class Proposal:
    """`rows` are the first ones; `last_page` is the answer with these alone, and as if nothing followed. `page_params`
    are the parameters of the URL that the pagination sets; `left_out` are keys that cannot be columns; `mixed` names a
    list that holds more than rows."""

    selector: str
    pagination: Mapping[str, Any]
    primary_key: str
    columns: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]
    last_page: Any
    page_params: frozenset[str] = field(default_factory=frozenset)
    left_out: Sequence[str] = ()
    mixed: str = ""

    def said(self) -> list[str]:
        """What was found, a line each."""
        where = f"in `{self.selector}`" if self.selector else "the answer itself"
        if not self.rows:
            why = f" (not all of {self.mixed} are objects)" if self.mixed else ""
            return [f"rows     none found{why}: the answer is read, and nothing is loaded"]
        pages = self.pagination.get("type", "none found: all rows must come in one answer")
        key = self.primary_key or "none found: rows are appended"
        return [
            f"rows     {where}",
            f"pages    {pages}",
            f"key      {key}",
            f"columns  {', '.join(map(flow, self.columns)) or '-'}",
            *(f"left out {json.dumps(key)}: no column can have this name, or these values" for key in self.left_out),
        ]


def asked(url: str) -> tuple[Any, Mapping[str, str]]:
    """The answer, as JSON, and its header fields. Raises AnswerError."""
    request = Request(url, headers={"Accept": "application/json", "User-Agent": "airflow-pipeline-factory"})  # noqa: S310 # checked
    try:
        with urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 # http or https
            content, headers = answer.read(_MOST_BYTES + 1), {k.lower(): v for k, v in answer.headers.items()}
    except HTTPError as error:
        hint = "; it may need a connection: see docs/poller.md" if error.code in (401, 403) else ""
        raise AnswerError(f"the URL answers with status {error.code}{hint}") from None
    except (URLError, OSError, HTTPException, ValueError) as error:
        raise AnswerError(f"the URL cannot be asked: {getattr(error, 'reason', error)}") from None
    if len(content) > _MOST_BYTES:
        raise AnswerError("the answer is larger than 20 MB: ask for a page of it")
    try:
        return json.loads(content, parse_constant=_no_number), headers
    except RecursionError:
        raise AnswerError("the answer is nested too deeply: write the poll by hand, see docs/poller.md") from None
    except ValueError:
        kind = headers.get("content-type", "no type")
        raise AnswerError(f"the answer is no JSON ({kind}): write the poll by hand, see docs/poller.md") from None


def _no_number(text: str) -> None:
    """`NaN` and `Infinity` are not JSON. Raises ValueError."""
    raise ValueError(text)


def proposed(body: Any, headers: Mapping[str, str], params: Mapping[str, str]) -> Proposal:
    """What to write for an answer with these header fields, of a request with these parameters."""
    path = _rows_path(body)
    rows: list[dict[str, Any]] = _at(body, path) if path is not None else []
    names = list(dict.fromkeys(name for row in rows for name in row))
    halves = {n for row in rows for n, one in row.items() if _HALF.search(json.dumps(one, ensure_ascii=False))}
    named = {name.lower(): name for name in reversed(names) if name.strip() and name.isprintable()}
    fit = set(named.values()) - halves
    last_page = copy.deepcopy(body)
    if path is not None:
        del _at(last_page, path)[ROWS_KEPT:]
    pagination, page_params = _pagination(body, headers, params, last_page, path)
    selector = _jmespath(path) if path else ""
    if len(fit) < len(names):
        columns = [f"{_jmespath((name,))}: {_jmespath((name,))}" for name in names if name in fit]
        selector = f"{selector}[].{{{', '.join(columns)}}}"
        rows = [{name: value for name, value in row.items() if name in fit} for row in rows if fit]
    mixed = next((f"`{_jmespath(path)}`" if path else "its items" for path, v in _walk(body) if _is_rows(v, any)), "")
    kept, left_out = rows[:ROWS_KEPT], tuple(name for name in names if name not in fit)
    return Proposal(selector, pagination, _key(rows), _columns(rows), kept, last_page, page_params, left_out, mixed)


def _rows_path(body: Any) -> Path | None:
    """Where the longest list of mappings is, the least deep one of several."""
    found = [(len(value), -len(path), path) for path, value in _walk(body) if _is_rows(value)]
    best = max(found, default=None, key=lambda each: each[:2])
    return best[2] if best is not None else None


def _is_rows(value: Any, of: Callable[[Iterable[bool]], bool] = all) -> bool:
    return isinstance(value, list) and bool(value) and of(isinstance(row, dict) for row in value)


def _walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Everything in mappings, but nothing in lists."""
    yield path, value
    if isinstance(value, dict) and len(path) < _DEEPEST:
        for key, child in value.items():
            yield from _walk(child, (*path, key))


def _pagination(
    body: Any, headers: Mapping[str, str], params: Mapping[str, str], last_page: Any, rows: Path | None
) -> tuple[dict[str, Any], frozenset[str]]:
    """How pages follow, and the parameters it sets. Changes `last_page` so that nothing follows."""
    if re.search(r'rel="?next"?', headers.get("link", "")):
        return {"type": "header_link"}, frozenset({"page"})
    scalars = {path: value for path, value in _walk(body) if path and not isinstance(value, (dict, list))}
    for path, value in scalars.items():
        name = path[-1].lower()
        is_link = name in _LINKS and (name != "href" or path[-2:-1] == ("next",))
        if is_link and isinstance(value, str) and value.startswith(("http://", "https://", "/")):
            _set(last_page, path, None)
            return {"type": "json_link", "next_url_path": _jmespath(path)}, frozenset({"page"})
    for path, value in scalars.items():
        param = _CURSORS.get(path[-1].lower())
        is_cursor = param not in (None, "offset") or (param == "offset" and isinstance(value, str))
        if isinstance(value, int) and value is not True:
            is_cursor = param is not None and bool(re.search("next|cursor", path[-1].lower()))
        if is_cursor and isinstance(value, str | int) and value:
            _set(last_page, path, None)
            return {"type": "cursor", "cursor_path": _jmespath(path), "cursor_param": param}, frozenset({str(param)})
    pages, page = _first(scalars, _PAGES), _first(scalars, _PAGE)
    if pages is not None and (page is not None or "page" in params):
        number = _at(body, page) if page is not None else int(params["page"] == "1")
        name = "page" if page is None or "page" in params else page[-1]
        # Whatever page the URL names, the first one is what is asked for first.
        first = {"base_page": 0} if number == 0 and (page is not None or params["page"] == "0") else {}
        _set(last_page, pages, 0 if first else 1)
        if page is not None:
            _set(last_page, page, 0 if first else 1)
        pagination = {"type": "page_number", "page_param": name, **first, "total_path": _jmespath(pages)}
        return pagination, frozenset({name})
    total, limit = _first(scalars, _TOTALS), _first(scalars, _LIMITS)
    limit_param = next((name for name in _LIMITS if name in params), limit[-1] if limit is not None else "")
    size = int(params[limit_param]) if params.get(limit_param, "").isdecimal() else _at(body, limit) if limit else 0
    if total is not None and size and rows is not None and _at(body, total) > len(_at(body, rows)):
        _set(last_page, total, len(_at(last_page, rows)))
        pagination = {"type": "offset", "limit": size, "limit_param": limit_param, "total_path": _jmespath(total)}
        return pagination, frozenset({limit_param, "offset"})
    return {}, frozenset()


def _first(scalars: Mapping[Path, Any], names: Sequence[str]) -> Path | None:
    """Where a whole number of one of these names is."""
    return next(
        (p for p, value in scalars.items() if p[-1].lower() in names and isinstance(value, int) and value is not True),
        None,
    )


def _at(value: Any, path: Path | None) -> Any:
    for key in path or ():
        value = value[key]
    return value


def _set(value: Any, path: Path, new: Any) -> None:
    _at(value, path[:-1])[path[-1]] = new


def _jmespath(path: Path) -> str:
    return ".".join(key if _WORD.fullmatch(key) else json.dumps(key) for key in path)


def _key(rows: Sequence[Mapping[str, Any]]) -> str:
    """The column that no two rows share: one of the usual names, or one that ends like them."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    names = [name for name in names if not names_secret(name)]
    usual = [name for known in _KEYS for name in names if name.lower() == known]
    for name in [*usual, *(name for name in names if name.lower().endswith(("_id", "id")))]:
        values = [row.get(name) for row in rows]
        is_telling = len(rows) > 1 or name in usual
        if is_telling and len(set(map(str, values))) == len(values) and {_type(v) for v in values} <= _OF_KEYS:
            return name
    return ""


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The type of each column that has values; none where they are many, or of several kinds."""
    found: dict[str, set[str]] = {}
    for row in rows:
        for name, value in row.items():
            if not names_secret(name):
                found.setdefault(name, set()).update({_type(value)} - {""})
    found = {name: {"double"} if kinds == {"bigint", "double"} else kinds for name, kinds in found.items()}
    found = {name: {"text"} if kinds == {"text", "date"} else kinds for name, kinds in found.items()}
    certain = {name: next(iter(kinds)) for name, kinds in found.items() if len(kinds) == 1 and _WIDE not in kinds}
    return dict(list(certain.items())[:_MOST_COLUMNS])


def _type(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (dict, list)):
        return "json"
    if isinstance(value, (int, float)):
        return "double" if isinstance(value, float) else "bigint" if abs(value) < 2**63 else _WIDE
    return "timestamp" if _TIME.fullmatch(value) else "date" if _DATE.fullmatch(value) else "text"


def recorded(answer: Any, told: Mapping[str, str]) -> str:
    """An answer as JSON, without the secrets of its URL, `told` by name, which it may repeat in any form, and without
    what it names a secret itself."""
    text = json.dumps(_hidden(answer, told), indent=2, ensure_ascii=False)
    return _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def _hidden(value: Any, told: Mapping[str, str], *, is_secret: bool = False) -> Any:
    if isinstance(value, dict):
        return {key: _hidden(one, told, is_secret=is_secret or names_secret(key)) for key, one in value.items()}
    if isinstance(value, list):
        return [_hidden(one, told, is_secret=is_secret) for one in value]
    if value is None or isinstance(value, bool):
        return value
    if is_secret:
        return "hidden"
    if not isinstance(value, str):
        return "hidden" if without(str(value), told.values(), "") == "" else value
    for name, secret in told.items():
        # In an address, which may be in another one, its name tells it, however short it is.
        value = re.sub(rf"((?:\b|(?<=%3[fF])|(?<=%26)){re.escape(name)}(?:=|%3[dD]))[^&#\s\"'<>]+", r"\1hidden", value)
        value = "hidden" if len(secret) >= SHORTEST_SECRET and secret in unquote(unquote(value)) else value
    return hidden_in(without(value, told.values(), "hidden"), "hidden")


def secret_keys(value: Any) -> set[str]:
    """The keys of what is left out by its name."""
    if isinstance(value, list):
        return {key for one in value for key in secret_keys(one)}
    if not isinstance(value, dict):
        return set()
    told = {key for key, one in value.items() if names_secret(key) and one is not None and not isinstance(one, bool)}
    return told | {key for one in value.values() for key in secret_keys(one)}
