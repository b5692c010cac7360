"""The tags of Jinja templates."""

from __future__ import annotations

from schemas.expressions.templates import tags


def test_long_texts_are_not_kept() -> None:
    """A process of days would hold each edit of them."""
    short, long = "echo {{ ds }}", "echo {{ ds }} " * 1000

    assert tags(short) is tags(short)
    assert tags(long) is not tags(long)
    assert tags(long)[:1] == tags(short)
    assert len(tags(long)) == 1000
