"""What asks for as many rows as came, in whatever a request is written and under whatever name."""

from __future__ import annotations

import pytest

from factory.http import sizes
from factory.http.call import HttpCall
from factory.http.page import Page


@pytest.mark.parametrize(
    "asked",
    [
        "?limit=3",
        "?$top=3",
        "?page[size]=3",
        "?page%5Bsize%5D=3",
        "?per_page=3&page=1",
        "?hitsPerPage=3",
        "?sysparm_limit=3",
        "?resultRecordCount=3",
        "?maxRecords=3",
        "?MaxResultsPerPage=3",
        "?take=3",
        "?pagelen=3",
        "?retmax=3",
        "?rclimit=3",
        "?n=3",
        "?batch_size=3",
        "?max-keys=3",
        "?numResults=3",
        "?results=3",
        "?nb_results=3",
        "?recent=3",
        "?query=select+*+from+Customer+startposition+1+maxresults+3",
        "?q=SELECT+Id+FROM+Account+LIMIT+3",
        '{"size": 3}',
        '{"page": {"limit": "3"}, "since": 1}',
        '{"query": "{ orders(first: 3) { id } }"}',
        '{"variables": {"first": 3}}',
        "limit=3&since=1",
        "<search><pageSize>3</pageSize></search>",
    ],
)
def test_what_asks_for_so_many_rows(asked: str) -> None:
    assert sizes.size_in(_asked_by(asked), 3) is not None
    assert sizes.size_in(_asked_by(asked), 2) is None


@pytest.mark.parametrize(
    "asked",
    [
        "?page=3",
        "?offset=3",
        "?account=3",
        "?account_id=3",
        "?max_id=3",
        "?version=3",
        "?last_id=3",
        "?max_price=3",
        "?min_count=3",
        "?lamin=1&lamax=3",
        "?lat_max=3",
        "?room_n=3",
        "?version_num=3",
        "?q=count>3",
        "?since=3",
        '{"country": 3, "skipCount": 3}',
        '{"filter": "limit 3.5, top 30, size 3-4", "limit": 30}',
    ],
)
def test_what_asks_for_something_else_than_so_many_rows(asked: str) -> None:
    assert sizes.size_in(_asked_by(asked), 3) is None


def _asked_by(asked: str) -> Page:
    is_query = asked.startswith("?")
    url, body = f"http://api.example/rows{asked if is_query else ''}", None if is_query else asked.encode()
    return Page(HttpCall("POST", url, {}, body), url, None, 200, {}, b"[1, 2, 3]", [1, 2, 3], False, str)
