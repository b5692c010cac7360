"""The findings that every reporter is shown with: real ones of the language, and edges that it rarely reaches."""

from __future__ import annotations

import os
from pathlib import Path

from schemas.check import CheckOptions, check_file
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, Span

SNAPSHOTS = Path(__file__).parent / "snapshots"

TEXT = """\
description: "주문 📦 e\u0301 👩‍👩‍👧"
schedule: "61 * * * *"
timezone: Asia/Soul
poll:
  # a comment is nobody's parent
  url: ${env.SHOP_URL}

  method:\tget
  메서드: GET
tasks:
  - {id: 저장, uses: bash, with: {bash_comand: "📦"}, needs: [저정]}
"""


def real(folder: Path) -> tuple[Diagnostic, ...]:
    """The findings of TEXT, checked as a file."""
    (folder / "orders.yaml").write_text(TEXT, encoding="utf-8")
    return check_file(folder, "orders.yaml", CheckOptions(environ={})).diagnostics


def at(text: str, span: Span, **parts: str) -> Diagnostic:
    return Diagnostic(Code.WRONG_VALUE, "`x` is wrong", "a.yaml", span, text=text, **parts)


def edges() -> tuple[Diagnostic, ...]:
    """Long lines, tabs, spans past the end, no text at all, wide numbers, characters that move a cursor."""
    long = "x: " + "가" * 200 + "WRONG" + "나" * 200
    return (
        at(long, Span(1, 204, 1, 209), caret="in the middle"),
        at(long, Span(1, 1, 1, 2), caret="at the start"),
        at(long, Span(1, 404, 1, 409), caret="at the end"),
        at("x: " + "y" * 500, Span(1, 4, 1, 504), caret="all of it"),
        at("\tx:\ty\tz", Span(1, 5, 1, 8), caret="behind tabs"),
        at("x: 1", Span(1, 4, 1, 400), caret="past the end of the line"),
        at("x: 1", Span(1, 40, 1, 41), caret="begins past the end of the line"),
        at("x: 1", Span(9, 1, 9, 2), caret="past the end of the text"),
        at("", Span(1, 1, 1, 2), caret="without a text", help="there is none"),
        at("x: \x1b[31m\x07\u202e\u2028y", Span(1, 4, 1, 11), caret="nothing moves the cursor"),
        at("\n" * 9998 + "a:\n  b: 1", Span(10000, 6, 10000, 7), caret="line 10000"),
        at("a:\r\n  b: 1\r\n", Span(2, 6, 2, 7), caret="Windows line ends"),
        Diagnostic(
            Code.UNSET_VARIABLE,
            "a warning",
            "a.yaml",
            Span(1, 1, 1, 2),
            help="words " * 40,
            allowed=tuple(f"allowed_word_{n}" for n in range(20)),
            text="x: 1",
            severity=Severity.WARNING,
        ),
        Diagnostic(Code.OPERATOR_NOT_INSTALLED, "a note", "a.yaml", Span(1, 1, 1, 2), severity=Severity.NOTE),
    )


def snapshot(name: str, rendered: str) -> str:
    """The stored text of a snapshot. `UPDATE_SNAPSHOTS=1 pytest …` stores what is rendered: look at the diff."""
    stored = SNAPSHOTS / name
    if os.environ.get("UPDATE_SNAPSHOTS"):
        stored.write_text(rendered + "\n", encoding="utf-8")
    return stored.read_text(encoding="utf-8")
