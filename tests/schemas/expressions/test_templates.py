"""Templates as Jinja reads them."""

from __future__ import annotations

from schemas.expressions.templates import read_template


def test_long_texts_are_not_kept() -> None:
    """A process that runs for days would keep each edit of them."""
    short, long = "echo {{ ds }}", "echo {{ ds }} " * 1000

    assert read_template(short) is read_template(short)
    assert read_template(long) is not read_template(long)
    assert read_template(long).names[:1] == read_template(short).names
    assert len(read_template(long).names) == 1000
