"""What a mistake hides is checked as well; where it cannot be, the finding says so. More in `tests/cases`."""

from __future__ import annotations

from pathlib import Path

from schemas.check import Checker, CheckOptions, check_text

_NOT_FURTHER = "the rest of this block was not checked"
_NOT_AT_ALL = "the rest of the file was not checked"


def test_a_task_that_is_left_out_says_so_and_is_missed_by_nobody() -> None:
    text = """\
tasks:
  - id: extract
    uses: bash
    with: {bash_command: "true"
  - id: load
    uses: bsh
    needs: [extract]
"""
    first, second = check_text(text).diagnostics

    assert (first.span.line, first.help) == (4, _NOT_FURTHER)
    assert second.span.line == 6
    assert second.text == text


def test_lines_whose_place_is_guessed_are_not_judged_and_the_finding_says_so() -> None:
    for wrong in ("   - id: b\n     needs: [zz]\n", "\t- id: b\n"):
        (finding,) = check_text(f"tasks:\n  - id: a\n    uses: empty\n{wrong}").diagnostics
        assert (finding.code.id, finding.span.line, finding.help) == ("PF001", 4, _NOT_FURTHER)


def test_where_nothing_can_be_read_the_finding_says_so() -> None:
    for text in ("{schedule: [}\n", "vars: {a: [}\ntasks: []\n", "poll: &a\n  json: *a\n"):
        (finding,) = check_text(text).diagnostics
        assert _NOT_AT_ALL in finding.help


def test_places_are_those_of_the_text_as_it_is() -> None:
    text = '설명: 📦\nschedule: @daily # 매일\npoll: {url: {{ ds }}, metod: GET}\nowner: a: b\ncatchp: "x"\n'
    places = [(d.code.id, d.span.line, d.span.column) for d in check_text(text).diagnostics]

    assert places == [
        ("PF102", 1, 1),
        ("PF010", 2, 11),
        ("PF010", 3, 13),
        ("PF010", 4, 8),
        ("PF102", 5, 1),
        ("PF103", 5, 9),
    ]


def test_defaults_that_cannot_be_read_do_not_hide_what_is_wrong_below_them(tmp_path: Path) -> None:
    texts = {
        "_defaults.yaml": b"owner: @me\ncatchup: maybe\n",
        "a.yaml": b"poll: {url: https://shop.example/, metod: GET}\n",
    }
    result = Checker(tmp_path, CheckOptions(environ={}, texts=texts, shown_folder="")).folder()

    assert [(d.file, d.code.id) for d in result.diagnostics] == [
        ("_defaults.yaml", "PF010"),
        ("_defaults.yaml", "PF103"),
        ("a.yaml", "PF102"),
    ]
    assert result.pipelines == ()


def test_a_large_text_is_not_read_again_and_again() -> None:
    text = "tasks: [}\n" + "# x\n" * 60_000
    (finding,) = check_text(text).diagnostics

    assert finding.help == _NOT_AT_ALL
