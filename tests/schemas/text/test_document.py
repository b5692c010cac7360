"""Reading: what a case file cannot hold (it needs comments), and where values and keys stand."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from schemas.findings.codes import Code
from schemas.findings.diagnostics import Span
from schemas.text.document import MAX_BYTES, Document, document_from_bytes, document_from_text, read_document
from schemas.text.nodes import MAX_DEPTH


def read(text: str) -> Document:
    return document_from_text(text, "orders.yaml")


def data(text: str) -> Any:
    document = read(text)
    assert document.diagnostics == ()
    return document.data


def only_finding(document: Document) -> tuple[Code, int, int]:
    (finding,) = document.diagnostics
    assert document.data is None
    assert finding.file == "orders.yaml"
    return finding.code, finding.span.line, finding.span.column


class TestFiles:
    def test_a_file_is_read_as_utf8(self, tmp_path: Path) -> None:
        (tmp_path / "orders.yaml").write_bytes("description: 주문 📦\n".encode())

        assert read_document(tmp_path / "orders.yaml", "orders.yaml").data == {"description": "주문 📦"}

    def test_a_byte_order_mark_is_skipped_and_moves_no_column(self) -> None:
        document = document_from_bytes(b"\xef\xbb\xbfa: 1\n", "orders.yaml")

        assert document.data == {"a": 1}
        assert document.key_span(("a",)) == Span(1, 1, 1, 2)

    def test_a_missing_file(self, tmp_path: Path) -> None:
        document = read_document(tmp_path / "none.yaml", "orders.yaml")

        assert only_finding(document) == (Code.UNREADABLE, 1, 1)
        assert document.diagnostics[0].message == "cannot be read: no such file or directory"

    def test_a_folder(self, tmp_path: Path) -> None:
        assert only_finding(read_document(tmp_path, "orders.yaml")) == (Code.UNREADABLE, 1, 1)

    def test_a_link_to_nothing(self, tmp_path: Path) -> None:
        link = tmp_path / "orders.yaml"
        link.symlink_to(tmp_path / "gone.yaml")

        assert only_finding(read_document(link, "orders.yaml")) == (Code.UNREADABLE, 1, 1)

    @pytest.mark.parametrize(
        ("raw", "line", "column"),
        [
            (b"\xff\xfea\x00", 1, 1),
            (b"a: 1\nb: caf\xe9\n", 2, 7),
            ("주문: ".encode() + b"\x80", 1, 5),
            (b"a: 1\r\nb: \xc3", 2, 4),
        ],
    )
    def test_bytes_that_are_not_utf8_are_named_where_they_stand(self, raw: bytes, line: int, column: int) -> None:
        document = document_from_bytes(raw, "orders.yaml")

        assert only_finding(document) == (Code.NOT_UTF8, line, column)
        assert document.diagnostics[0].help == "save the file as UTF-8; `factory rule PF002` says how"

    def test_utf16_is_not_guessed(self) -> None:
        assert only_finding(document_from_bytes("a: 1".encode("utf-16"), "orders.yaml"))[0] is Code.NOT_UTF8

    def test_a_file_of_one_mebibyte_is_read_and_a_longer_one_is_not(self) -> None:
        text = b"a: " + b"x" * (MAX_BYTES - 3)

        assert document_from_bytes(text, "orders.yaml").diagnostics == ()
        assert only_finding(document_from_bytes(text + b"x", "orders.yaml")) == (Code.TOO_LARGE, 1, 1)

    def test_a_text_is_measured_in_bytes(self) -> None:
        assert only_finding(read("a: " + "주" * (MAX_BYTES // 3)))[0] is Code.TOO_LARGE


class TestCharacters:
    @pytest.mark.parametrize(
        ("text", "line", "column", "shown"),
        [
            ("a: \x00", 1, 4, "U+0000"),
            ("a: 1\nb: \x1b[31m", 2, 4, "U+001B"),
            ("a: 1\r\nb: x\x7f", 2, 5, "U+007F"),
            ("a: \ufffe", 1, 4, "U+FFFE"),
            ("a: \ud800", 1, 4, "U+D800"),
            ("a: 1\n# \u2028b: 2", 2, 3, "U+2028"),
            ('a: "\x85"', 1, 5, "U+0085"),
            ("a: 1\nb: \ufeff", 2, 4, "U+FEFF"),
        ],
    )
    def test_one_that_yaml_or_its_readers_do_not_agree_on(self, text: str, line: int, column: int, shown: str) -> None:
        document = read(text)

        assert only_finding(document) == (Code.YAML_SYNTAX, line, column)
        assert shown in document.diagnostics[0].message

    def test_one_may_be_written_as_an_escape(self) -> None:
        assert data('a: "\\u2028\\x00\\uFEFF"') == {"a": "\u2028\x00\ufeff"}


class TestBounds:
    @pytest.mark.parametrize(("start", "end"), [("[", "]"), ("- ", ""), ("{a: ", "}")])
    def test_values_nest_64_deep_and_no_deeper(self, start: str, end: str) -> None:
        assert read(start * MAX_DEPTH + "1" + end * MAX_DEPTH).diagnostics == ()
        too_deep = read(start * (MAX_DEPTH + 1) + "1" + end * (MAX_DEPTH + 1))
        assert only_finding(too_deep)[0] is Code.TOO_DEEP

    def test_aliases_count_into_the_depth(self) -> None:
        lines = ["a0: &a0 [1]", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 80))]

        assert only_finding(read("\n".join(lines)))[0] is Code.TOO_DEEP

    def test_an_alias_bomb_is_one_finding(self) -> None:
        lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
        lines += [f"{name}: &{name} [{', '.join([f'*{below}'] * 10)}]" for below, name in pairwise("abcdefghi")]

        assert only_finding(read("\n".join(lines))) == (Code.TOO_LARGE, 5, 4)

    def test_many_aliases_of_a_small_value_are_fine(self) -> None:
        text = "a: &a [1, 2]\nb: [" + ", ".join(["*a"] * 1000) + "]"

        assert data(text)["b"] == [[1, 2]] * 1000

    @pytest.mark.parametrize("text", ["&a [*a]", "&a {b: *a}", "a: &a\n  b: {c: [*a]}"])
    def test_a_value_that_holds_itself(self, text: str) -> None:
        assert only_finding(read(text))[0] is Code.RECURSIVE_ALIAS

    def test_a_number_of_300_digits_is_one_and_a_longer_one_is_not(self) -> None:
        assert data("a: " + "9" * 300)["a"] == 10**300 - 1
        assert only_finding(read("a: " + "9" * 301))[0] is Code.NUMBER_TOO_LONG


class TestData:
    @pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "null", "~"])
    def test_an_empty_text_is_none(self, text: str) -> None:
        assert data(text) is None

    def test_a_merged_key_never_wins_over_an_own_one(self) -> None:
        text = "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc: {<<: [*a, *b], y: 3}\nd:\n  y: 4\n  <<: *a"

        assert data(text)["c"] == {"x": 1, "y": 3, "z": 2}
        assert data(text)["d"] == {"x": 1, "y": 4}

    def test_a_quoted_merge_key_is_a_key(self) -> None:
        assert data('{"<<": {a: 1}}') == {"<<": {"a": 1}}

    def test_windows_and_old_macintosh_line_ends(self) -> None:
        assert data("a: |\r\n  x\r\n  y\r\nb: 1\r\n") == {"a": "x\ny\n", "b": 1}
        assert data("a: 1\rb: 2\r") == {"a": 1, "b": 2}

    def test_an_anchor_of_a_text_needs_somebody_who_uses_it(self) -> None:
        assert data("a: &x one\nb: *x") == {"a": "one", "b": "one"}
        assert data("a: &x 'one'") == {"a": "one"}
        assert only_finding(read("a: &x one  # *x"))[0] is Code.NEEDS_QUOTES

    def test_all_findings_of_a_text_are_collected(self) -> None:
        document = read("a: !x 1\nb: 2\nb: 3\n4: 5\n")

        assert [d.code for d in document.diagnostics] == [Code.TAG, Code.DUPLICATE_KEY, Code.KEY_NOT_TEXT]

    def test_the_fix_of_missing_quotes_mends_the_text(self) -> None:
        text = "schedule: */5 * * * *  # often\n"
        (finding,) = read(text).diagnostics
        assert finding.fix is not None
        span = finding.fix.span
        repaired = text[: span.column - 1] + finding.fix.replacement + text[span.end_column - 1 :]

        assert data(repaired) == {"schedule": "*/5 * * * *"}

    @pytest.mark.parametrize("value", ["@daily", '%"x"', "`a'b`", "@C:\\x", "a: b: c"])
    def test_every_quoting_is_read_as_the_value(self, value: str) -> None:
        (finding,) = read(f"key: {value}").diagnostics
        assert finding.fix is not None

        assert data(f"key: {finding.fix.replacement}") == {"key": value}

    def test_a_duplicate_key_names_the_first_one(self) -> None:
        (finding,) = read("a: 1\nb: 2\na: 3").diagnostics

        assert [(r.span, r.message) for r in finding.related] == [(Span(1, 1, 1, 2), "`a` is here first")]


class TestPositions:
    TEXT = (
        "name: 주문 📦\n"
        "poll:\n"
        "  url: http://localhost/\n"
        "  empty:\n"
        "tasks:\n"
        "  - id: one\n"
        '  - {id: "two", needs: [one]}\n'
        "text: |\n"
        "  first\n"
        "  second\n"
    )

    @pytest.mark.parametrize(
        ("path", "value", "key"),
        [
            (("name",), Span(1, 7, 1, 11), Span(1, 1, 1, 5)),
            (("poll",), Span(3, 3, 3, 25), Span(2, 1, 2, 5)),
            (("poll", "url"), Span(3, 8, 3, 25), Span(3, 3, 3, 6)),
            (("tasks", 0), Span(6, 5, 6, 12), Span(6, 5, 6, 12)),
            (("tasks", 1, "id"), Span(7, 10, 7, 15), Span(7, 6, 7, 8)),
            (("tasks", 1, "needs", 0), Span(7, 25, 7, 28), Span(7, 25, 7, 28)),
            (("text",), Span(8, 7, 8, 8), Span(8, 1, 8, 5)),
            ((), Span(1, 1, 1, 11), Span(1, 1, 1, 11)),
        ],
    )
    def test_values_and_keys(self, path: tuple[str | int, ...], value: Span, key: Span) -> None:
        document = read(self.TEXT)

        assert (document.value_span(path), document.key_span(path)) == (value, key)

    def test_an_empty_value_stands_at_its_key(self) -> None:
        assert read(self.TEXT).value_span(("poll", "empty")) == Span(4, 3, 4, 8)

    @pytest.mark.parametrize("path", [("poll", "metod"), ("poll", "url", "x", 3), ("poll", 0)])
    def test_what_is_not_there_stands_at_the_nearest_key_above(self, path: tuple[str | int, ...]) -> None:
        nearest = Span(3, 3, 3, 6) if path[1] == "url" else Span(2, 1, 2, 5)

        assert read(self.TEXT).value_span(path) == nearest

    def test_a_merged_key_stands_where_it_is_written(self) -> None:
        document = read("a: &a\n  x: 1\nb:\n  <<: *a\n  y: 2\n")

        assert document.key_span(("b", "x")) == Span(2, 3, 2, 4)
        assert document.key_span(("b", "y")) == Span(5, 3, 5, 4)

    def test_of_several_merged_keys_the_winner_is_shown(self) -> None:
        document = read("a: &a {x: 1}\nb: &b {x: 2}\nc: {<<: [*a, *b]}\n")

        assert document.data["c"] == {"x": 1}
        assert document.value_span(("c", "x")).line == 1

    def test_an_empty_text_has_a_place(self) -> None:
        assert read("").value_span(("a",)) == Span(1, 1, 1, 2)

    def test_line_ends_of_all_kinds_count_once(self) -> None:
        assert read("a: 1\r\nb: 2\rc: 3\nd: 4").key_span(("d",)) == Span(4, 1, 4, 2)
