"""Widths in a terminal, by examples whose width everybody agrees on."""

from __future__ import annotations

import pytest

from factory.reporters.text import columns


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("abc", 3),
        ("주문", 4),
        ("\u110c\u116e\u1106\u116e\u11ab", 4),
        ("受注", 4),
        ("\uff46\uff55", 4),
        ("e\u0301", 1),
        ("📦", 2),
        ("📦 x", 4),
        ("👩\u200d👩\u200d👧", 2),
        ("👍🏽", 2),
        ("❤\ufe0f", 2),
        ("🇰🇷", 2),
        ("🇰🇷🇯🇵", 4),
        ("주\u200d문", 4),
        ("a\u200db", 2),
        ("…", 1),
    ],
)
def test_width(text: str, width: int) -> None:
    assert columns(text) == width
