"""`full`: what a person sees, kept as snapshots; `concise`: one line for each finding, as editors and grep like it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from factory.reporters import full
from factory.reporters.full import concise
from factory.reporters.text import columns
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Span

from .findings import edges, real, snapshot


def test_findings_of_a_file(tmp_path: Path) -> None:
    rendered = full.render(real(tmp_path))

    assert rendered + "\n" == snapshot("full.txt", rendered)


def test_edges() -> None:
    rendered = full.render(edges())

    assert rendered + "\n" == snapshot("full-edges.txt", rendered)


def test_colours_are_for_terminals_only(tmp_path: Path) -> None:
    findings = real(tmp_path)
    coloured = full.render(findings, colour=True)

    assert "\x1b[1;31merror[unknown-timezone] PF203\x1b[0m: there is no time zone `Asia/Soul`" in coloured
    assert "\x1b[" not in full.render(findings)
    for code in ("31", "33", "0"):
        coloured = coloured.replace(f"\x1b[1;{code}m", "").replace(f"\x1b[{code}m", "")
    assert coloured == full.render(findings)


def test_nothing_found_is_nothing_said() -> None:
    assert full.render([]) == ""


def test_the_caret_stands_below_the_mistake_in_a_terminal() -> None:
    for before in ("", "주문", "📦 ", "\t", "e\u0301", "\uff46\uff55", "a\u200db"):
        shown = full.render([Diagnostic(Code.WRONG_VALUE, "m", "f", Span(1, len(before) + 1, 1, len(before) + 6),
                                        text=f"{before}WRONG behind")])  # fmt: skip
        line, carets = shown.splitlines()[-2:]
        assert columns(line.split("WRONG")[0]) == columns(carets.split("^")[0])
        assert carets.count("^") == 5


@given(st.text(max_size=300), st.integers(1, 400), st.integers(1, 400), st.integers(1, 5))
def test_every_span_can_be_shown(text: str, column: int, width: int, line: int) -> None:
    shown = full.render([Diagnostic(Code.WRONG_VALUE, "m", "f", Span(line, column, line, column + width), text=text)])

    assert shown.startswith("error[wrong-value] PF104: m\n  --> f:")
    assert all(character.isprintable() or character in "\n\u200d" for character in shown)
    assert max(map(len, shown.split("\n"))) < 800


def test_of_a_long_list_what_is_near_to_the_word_that_was_meant_is_shown() -> None:
    words = tuple(
        f"{name}_{part}" for name in ("task", "run", "asset") for part in ("id", "key", "name", "start", "end")
    )
    near = Diagnostic(
        Code.UNKNOWN_KEY, "m", "f", Span(1, 1, 1, 4), caret="did you mean `run_id`?", allowed=words, text="rnu: 1"
    )
    far = Diagnostic(Code.UNKNOWN_KEY, "m", "f", Span(2, 1, 2, 4), allowed=words, text="rnu: 1\nabc: 1")
    again = replace(far, span=Span(3, 1, 3, 4), text="rnu: 1\nabc: 1\ndef: 1")

    assert "= allowed: task_id, run_id, run_key, run_name, " in full.render([near])
    assert full.render([near]).endswith(", … (15 in all)")
    assert all(word in full.render([far]) for word in words)
    assert full.render([far, again]).endswith("= allowed: as in line 2")


def test_findings_on_a_line_each(tmp_path: Path) -> None:
    rendered = concise(real(tmp_path))

    assert rendered + "\n" == snapshot("concise.txt", rendered)


def test_each_finding_is_one_line_that_begins_with_its_place() -> None:
    lines = concise(edges()).split("\n")

    assert len(lines) == len(edges())
    assert all(re.match(r"a\.yaml:\d+:\d+: PF\d{3} \S", line) for line in lines)


def test_a_message_cannot_break_the_line() -> None:
    finding = Diagnostic(Code.WRONG_VALUE, "a\nb\r\x1b[31mc\u2028d", "a.yaml", Span(1, 2, 1, 3), caret="e\nf")

    assert concise([finding]).isprintable()


def test_nothing_found_is_no_line() -> None:
    assert concise([]) == ""
