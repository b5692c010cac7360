"""How to get from page to page, in the words of dlt's `rest_api` paginators."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.model.base import Model
from schemas.model.fields import Count, JmesPath, PositiveCount

KEYS_BY_TYPE = {
    "json_link": ("next_url_path",),
    "header_link": ("links_next_key",),
    "cursor": ("cursor_path", "cursor_param", "cursor_body_path"),
    "offset": ("limit", "limit_param", "offset", "offset_param", "total_path"),
    "page_number": ("base_page", "page_param", "total_path"),
    "single_page": (),
}
"""The keys of each type besides `type` and `max_pages`."""
NEEDED = {"cursor": "cursor_path", "offset": "limit"}
Name = Annotated[str, Field(min_length=1)]
BODY_PATH_PATTERN = r"^[^.]+(\.[^.]+)*$"


class Pagination(Model):
    """How to get from one page to the next. An empty page always ends it."""

    type: Literal["json_link", "header_link", "cursor", "offset", "page_number", "single_page"]
    """`json_link`: the body contains the URL of the next page. `header_link`: the header field `Link` does. `cursor`:
    the body contains what to send for the next page. `offset`, `page_number`: pages are counted. `single_page`: one
    page."""
    next_url_path: JmesPath | None = None
    """With `json_link`: JMESPath of the next page's URL. Default: `next`."""
    links_next_key: Name | None = None
    """With `header_link`: relation of the link. Default: `next`."""
    cursor_path: JmesPath | None = Field(default=None, examples=["meta.next_cursor"])
    """With `cursor`: JMESPath of what to send for the next page."""
    cursor_param: Name | None = None
    """With `cursor`: the query parameter it is sent in. Default: `cursor`."""
    cursor_body_path: Annotated[str, Field(pattern=BODY_PATH_PATTERN, max_length=200)] | None = Field(
        default=None, examples=["page.after"]
    )
    """With `cursor`: send it in the `json` body instead of a query parameter, at these keys, joined by dots."""
    limit: PositiveCount | None = None
    """With `offset`: how many rows a page has."""
    limit_param: Name | None = None
    """With `offset`: the query parameter of `limit`. Default: `limit`."""
    offset: Count | None = None
    """With `offset`: rows to skip at the start. Default: 0."""
    offset_param: Name | None = None
    """With `offset`: the query parameter for the rows before the page. Default: `offset`."""
    base_page: Count | None = None
    """With `page_number`: number of the first page. Default: 1."""
    page_param: Name | None = None
    """With `page_number`: the query parameter of the page's number. Default: `page`."""
    total_path: JmesPath | None = None
    """With `offset`: JMESPath of the total number of rows; with `page_number`: of pages. Without it, an empty page is
    the end."""
    max_pages: PositiveCount = 10_000
    """More pages than this fail the task."""
