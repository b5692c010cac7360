"""More findings of one kind than anybody reads: the first of them, and a note."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.check import Checker, CheckOptions, check_text
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import MOST
from schemas.text.nodes import MAX_NODES

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


def test_past_hundreds_of_warnings_only_errors_follow() -> None:
    many = "".join(f"    h{n}: ${{env.NOT_SET_{n}}}\n" for n in range(MOST + 5))
    result = check_text(f"poll:\n  url: http://localhost/\n  headers:\n{many}")

    codes = [d.code for d in result.diagnostics]
    assert (codes.count(Code.UNSET_VARIABLE), codes.count(Code.MORE_FINDINGS)) == (MOST, 1)
    assert not result.has_errors


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (
            POLL + "tags: [" + "a, " * MAX_NODES + "]",
            Code.TOO_LARGE,
            "the file contains more than 50,000 keys and values",
        ),
        (
            "dag_id: x_${matrix.n}\nmatrix: {n: [" + ", ".join(map(str, range(256))) + "]}\n"
            "params: {a: [" + "1, " * 300 + "]}\n" + POLL,
            Code.TOO_LARGE,
            "the rows of the matrix give more than 50,000 values together",
        ),
        (
            POLL + "environments:\n" + "".join(f"  e{n}: {{}}\n" for n in range(65)),
            Code.TOO_LARGE,
            "a file has at most 64 environments, this one 65",
        ),
        (POLL + f"schedule: '{'1,' * 600}1 * * * *'", Code.BAD_CRON, "a cron expression has at most 1,000 characters"),
        (
            POLL + "schedule: {cron: [" + "'1 1 * * *', " * 257 + "]}",
            Code.BAD_CRON,
            "a schedule has at most 256 cron expressions",
        ),
        (
            "default: {default_args: {k: ["
            + "1, " * 300
            + "]}}\n"
            + "".join(f"d{n}: {{tasks: {{t: {{operator: a.B}}}}}}\n" for n in range(200)),
            Code.TOO_LARGE,
            "the defaults come to more than 50,000 values in all DAGs that take them",
        ),
    ],
    ids=["values", "rows", "environments", "cron", "crons", "dag-factory"],
)
def test_what_is_too_much_to_be_meant_is_one_error(text: str, code: Code, message: str) -> None:
    errors = [d for d in check_text(text).diagnostics if d.severity is Severity.ERROR]

    assert [(d.code, d.message) for d in errors] == [(code, message)]


def test_environments_that_are_too_many_values_together_are_named_as_not_checked(tmp_path: Path) -> None:
    environments = "".join(f"  e{n}: {{schedule: '@daily'}}\n" for n in range(4))
    text = f"{POLL}params: {{a: [{'1, ' * 20_000}]}}\nenvironments:\n{environments}"

    result = Checker(tmp_path, CheckOptions(every_environment=True)).text(text, "a.yaml")

    assert [(d.code, d.severity) for d in result.diagnostics] == [(Code.TOO_LARGE, Severity.WARNING)]
    assert "not checked in `e3`" in result.diagnostics[0].message
    assert result.pipelines


def test_a_constructor_that_doubles_a_text_again_and_again_is_read_in_bounded_memory(tmp_path: Path) -> None:
    doubled = "        x = x + x\n" * 50
    (tmp_path / "ops.py").write_text(
        "from airflow.sdk import BaseOperator\nclass Big(BaseOperator):\n    def __init__(self, a=None, **kw):\n"
        f"        x = 'ab'\n{doubled}        if a == 'b':\n            raise ValueError('no b')\n"
        "        super().__init__(**kw)\n"
    )
    (tmp_path / "orders.yaml").write_text("tasks: [{id: a, uses: ops.Big, with: {a: b}}]\n")

    found = Checker(tmp_path, CheckOptions(environ={})).folder().diagnostics

    assert ["no b" in one.message for one in found] == [True]
