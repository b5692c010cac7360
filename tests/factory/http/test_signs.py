"""The header field `Link`, in the forms that servers send."""

from __future__ import annotations

import pytest

from factory.http.signs import links_of


@pytest.mark.parametrize(
    "field",
    [
        '</b>; rel="next"',
        '</b>; Rel="NEXT"',
        "</b>;rel=next;x",
        "</b> ; rel = next ;",
        "</b>; rel='prev next'",
        '</b>; title="a=b"; rel="next"',
        '</b>; title="x, <y>; rel=last"; rel="next"',
        r'</b>; title="say \"hi\", he said"; rel="next"',
        "</b>; title*=UTF-8''a%20b; rel=next; rel=last",
        '</a>; rel="first", , </b>; rel="last next"',
        "< /b >; rel=next,",
    ],
)
def test_the_next_page(field: str) -> None:
    links, unread = links_of(field)
    assert (unread, [target for target, relations in links if "next" in relations]) == ("", ["/b"])


def test_commas_and_semicolons_of_an_address_are_its_own() -> None:
    assert links_of('</r;jsessionid=1?c=1,2;d>; rel="next"') == ([("/r;jsessionid=1?c=1,2;d", ["next"])], "")


def test_what_cannot_be_read_is_given_back() -> None:
    assert links_of("</a>; rel=prev, /b; rel=next") == ([("/a", ["prev"])], "/b; rel=next")
    assert links_of("") == ([], "")
