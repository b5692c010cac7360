"""More findings of one kind than anybody reads: the first of them, and a note."""

from __future__ import annotations

import time

from schemas.bounded import MOST
from schemas.check import check_text
from schemas.codes import Code

POLL = "poll: {url: http://localhost/}\n"


def test_what_follows_after_hundreds_of_errors_is_a_note() -> None:
    result = check_text(POLL + "\n".join(f"unknown{n}: 1" for n in range(MOST + 5)))

    codes = [d.code for d in result.diagnostics]
    assert codes.count(Code.UNKNOWN_KEY) == MOST
    assert codes.count(Code.MORE_FINDINGS) == 1
    assert result.has_errors


def test_findings_of_other_kinds_are_not_cut_off() -> None:
    text = POLL + "schedule: 61 * * * *\n" + "\n".join(f"unknown{n}: 1" for n in range(MOST + 5))

    assert Code.BAD_CRON in {d.code for d in check_text(text).diagnostics}


def test_fewer_have_no_note() -> None:
    result = check_text(POLL + "\n".join(f"unknown{n}: 1" for n in range(MOST - 1)))

    assert {d.code for d in result.diagnostics} == {Code.UNKNOWN_KEY}


def test_comments_with_nothing_to_ignore_are_cut_off_too() -> None:
    result = check_text(POLL + "# factory: ignore[PF401] none\n" * 30_000)

    codes = [d.code for d in result.diagnostics]
    assert (codes.count(Code.UNUSED_IGNORE), codes.count(Code.MORE_FINDINGS)) == (MOST, 1)
    assert not result.has_errors


def test_twenty_thousand_misspelt_keys_take_no_longer_than_reading_them() -> None:
    text = POLL + "\n".join(f"unknown{n}: 1" for n in range(20_000))
    started = time.process_time()

    check_text(text)

    assert time.process_time() - started < 3, "0.5 s where nothing else runs"
