"""Asks an API once; what its answer says of a poll: where its rows are, how pages follow, the rows' key and columns."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, quote_plus, unquote
from urllib.request import Request, urlopen

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
_SHORTEST_SECRET = 4
"""Of a secret that is looked for in all of an answer: `1` is in too much."""
_WORD = re.compile(r"[A-Za-z_]\w*")

_SECONDS = 30
_MOST_BYTES = 20_000_000

Path = tuple[str, ...]


class AnswerError(Exception):
    """Why no answer can be made use of."""


@dataclass(frozen=True)
class Proposal:
    """`rows` are the first ones; `last_page` is the answer with these alone, and as if nothing followed. `page_params`
    are the parameters of the URL that the pagination sets."""

    selector: str
    pagination: Mapping[str, Any]
    primary_key: str
    columns: Mapping[str, str]
    rows: Sequence[Mapping[str, Any]]
    last_page: Any
    page_params: frozenset[str] = field(default_factory=frozenset)

    def said(self) -> list[str]:
        """What was found, a line each."""
        where = f"in `{self.selector}`" if self.selector else "the answer itself"
        if not self.rows:
            return ["rows     none found: the answer is read, and nothing is loaded"]
        pages = self.pagination.get("type", "none found: all rows must come in one answer")
        key = self.primary_key or "none found: rows are appended"
        return [
            f"rows     {where}",
            f"pages    {pages}",
            f"key      {key}",
            f"columns  {', '.join(self.columns) or '-'}",
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
    except ValueError:
        kind = headers.get("content-type", "no type")
        raise AnswerError(f"the answer is no JSON ({kind}): write the poll by hand, see docs/poller.md") from None


def _no_number(text: str) -> None:
    """`NaN` and `Infinity` are not JSON. Raises ValueError."""
    raise ValueError(text)


def proposed(body: Any, headers: Mapping[str, str], params: Mapping[str, str]) -> Proposal:
    """What to write for an answer with these header fields, of a request with these parameters."""
    path = _rows_path(body)
    rows = [row for row in _at(body, path) if isinstance(row, dict)] if path is not None else []
    last_page = copy.deepcopy(body)
    if path is not None:
        del _at(last_page, path)[ROWS_KEPT:]
    pagination, page_params = _pagination(body, headers, params, last_page, path)
    kept = rows[:ROWS_KEPT]
    selector = _jmespath(path) if path else ""
    return Proposal(selector, pagination, _key(rows), _columns(rows), kept, last_page, page_params)


def _rows_path(body: Any) -> Path | None:
    """Where the longest list of mappings is, the least deep one of several."""
    found = [(len(value), -len(path), path) for path, value in _walk(body) if _is_rows(value)]
    best = max(found, default=None, key=lambda each: each[:2])
    return best[2] if best is not None else None


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


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
            return {"type": "json_link", "next_url_path": _jmespath(path)}, frozenset()
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
        _set(last_page, pages, _at(body, page) if page is not None else 1)
        name = "page" if page is None or "page" in params else page[-1]
        first = {"base_page": 0} if page is not None and _at(body, page) == 0 else {}
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
    return ".".join(key if _WORD.fullmatch(key) else '"' + key.replace('"', '\\"') + '"' for key in path)


def _key(rows: Sequence[Mapping[str, Any]]) -> str:
    """The column that no two rows share: one of the usual names, or one that ends like them."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    usual = [name for known in _KEYS for name in names if name.lower() == known]
    for name in [*usual, *(name for name in names if name.lower().endswith(("_id", "id")))]:
        values = [row.get(name) for row in rows]
        if len(rows) > 1 and all(isinstance(v, (str, int)) for v in values) and len(set(values)) == len(values):
            return name
    return usual[0] if usual and len(rows) == 1 else ""


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The type of each column that has values; none where they are many, or of several kinds."""
    found: dict[str, set[str]] = {}
    for row in rows:
        for name, value in row.items():
            found.setdefault(name, set()).update({_type(value)} - {""})
    names = Counter(name.lower() for name in found)
    found = {name: kinds for name, kinds in found.items() if names[name.lower()] == 1}
    found = {name: {"double"} if kinds == {"bigint", "double"} else kinds for name, kinds in found.items()}
    found = {name: {"text"} if kinds == {"text", "date"} else kinds for name, kinds in found.items()}
    certain = {name: next(iter(kinds)) for name, kinds in found.items() if len(kinds) == 1}
    return dict(list(certain.items())[:_MOST_COLUMNS])


def _type(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (dict, list)):
        return "json"
    if isinstance(value, (int, float)):
        return "double" if isinstance(value, float) else "bigint" if abs(value) < 2**63 else ""
    return "timestamp" if _TIME.fullmatch(value) else "date" if _DATE.fullmatch(value) else "text"


def hidden(value: Any, told: Sequence[tuple[str, str]]) -> Any:
    """An answer without the secrets of its URL, `told` by name, which it may repeat in any form."""
    if isinstance(value, dict):
        of_name = dict(told)
        return {
            key: "hidden" if key in of_name and str(one) == of_name[key] else hidden(one, told)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [hidden(one, told) for one in value]
    if not isinstance(value, str):
        return "hidden" if str(value) in {text for _, text in told if len(text) >= _SHORTEST_SECRET} else value
    for key, secret in told:
        # In an address, which may be in another one, its name tells it, however short it is.
        value = re.sub(rf"((?:\b|(?<=%3[fF])|(?<=%26)){re.escape(key)}(?:=|%3[dD]))[^&#\s\"'<>]+", r"\1hidden", value)
        if len(secret) >= _SHORTEST_SECRET:
            for form in sorted({secret, quote(secret, safe=""), quote(secret), quote_plus(secret)}, key=len)[::-1]:
                value = re.sub(re.escape(form), "hidden", value, flags=re.IGNORECASE)
            value = "hidden" if secret in unquote(unquote(value)) else value
    return value
