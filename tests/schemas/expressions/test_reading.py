"""`${…}`: what one says, near misses, and the text that shells need."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.expressions.reading import (
    EnvReference,
    NearMiss,
    TaskReference,
    ValueReference,
    escape,
    expressions,
    filled,
    forms,
    task_reference,
    unescape,
)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("${env.HOME}", EnvReference("HOME", None)),
        ("${env.HOME:-/root}", EnvReference("HOME", "/root")),
        ("${env.HOME:-}", EnvReference("HOME", "")),
        ("${env.A:-a:-b $x}", EnvReference("A", "a:-b $x")),
        ("${vars.a.b-c}", ValueReference("vars", ("a", "b-c"))),
        ("${matrix.country}", ValueReference("matrix", ("country",))),
        ("${tasks.load.output}", TaskReference("load", None, ())),
        ("${tasks.group.load.output}", TaskReference("group.load", None, ())),
        ("${tasks.output.output}", TaskReference("output", None, ())),
        ("${tasks.주문.output.행}", TaskReference("주문", None, ("행",))),
        ("${tasks.a.output.rows[0].name}", TaskReference("a", None, ("rows", 0, "name"))),
        ("${tasks.a.output[-1]}", TaskReference("a", None, (-1,))),
        ("${tasks.a.output[\"it's\"]['x y']}", TaskReference("a", None, ("it's", "x y"))),
        ("${tasks.a.output['0']}", TaskReference("a", None, ("0",))),
        ("${tasks.a.xcom.key}", TaskReference("a", "key", ())),
        ("${tasks.a.xcom.key[0].x}", TaskReference("a", "key", (0, "x"))),
    ],
)
def test_what_an_expression_says(text: str, meaning: object) -> None:
    (found,) = expressions(text)

    assert found.meaning == meaning
    assert (found.written, found.start, found.end, found.whole) == (text, 0, len(text), True)


@pytest.mark.parametrize(
    "text",
    [
        *("", "$", "${", "${}", "${HOME}", "${1}", "${#a[@]}", "${a:-b}", "${a%.*}", "${!x}", "${env}", "${tasks}"),
        *("$env.HOME", "$(env.HOME)", "{{ env.HOME }}", "$${env.HOME}", "$${tasks.a.output}", "${home.x}", "${x.y}"),
    ],
)
def test_other_texts_are_text(text: str) -> None:
    assert list(expressions(text)) == []


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("${ env.HOME }", "${env.HOME}"),
        ("${Env.HOME}", "${env.HOME}"),
        ("${envs.HOME}", "${env.HOME}"),
        ("${environment.HOME}", "${env.HOME}"),
        ("${env:HOME}", "${env.HOME}"),
        ("${env.HOME-x}", "${env.HOME:-x}"),
        ("${env.HOME:=x}", "${env.HOME:-x}"),
        ("${env.1}", None),
        ("${env.}", None),
        ("${env.A.B}", None),
        ("${task.a.output}", "${tasks.a.output}"),
        ("${tasks.a}", "${tasks.a.output}"),
        ("${tasks.a.outputs}", "${tasks.a.output}"),
        ("${tasks.a.result.x}", "${tasks.a.output.x}"),
        ("${tasks.a.rows}", "${tasks.a.output.rows}"),
        ("${tasks.a.output[x]}", "${tasks.a.output.x}"),
        ("${tasks.a.output[}", None),
        ("${tasks.a.output.}", None),
        ("${tasks.a b.output}", None),
        ("${tasks[0]}", None),
        ("${var.x}", "${vars.x}"),
        ("${matrix.}", None),
    ],
)
def test_near_misses(text: str, suggestion: str | None) -> None:
    (found,) = expressions(text)

    assert isinstance(found.meaning, NearMiss)
    assert found.meaning.suggestion == suggestion
    assert found.meaning.why


@given(st.text(alphabet="${}.:-[]'\"0aenvtaskoupx ", max_size=40))
def test_a_suggestion_is_an_expression(text: str) -> None:
    for found in expressions("${" + text + "}"):
        if isinstance(found.meaning, NearMiss) and found.meaning.suggestion is not None:
            (meant,) = expressions(found.meaning.suggestion)
            assert not isinstance(meant.meaning, NearMiss)


def test_several_in_one_text() -> None:
    text = "a ${env.A} $${env.B} ${C} ${env.D:-}"

    assert [(e.written, text[e.start : e.end], e.whole) for e in expressions(text)] == [
        ("${env.A}", "${env.A}", False),
        ("${env.D:-}", "${env.D:-}", False),
    ]


@pytest.mark.parametrize("value", ["x ${tasks.a.output}", "${tasks.a.output} ", "${env.A}", "", None, 1, ["${x}"]])
def test_only_a_whole_value_is_a_reference(value: object) -> None:
    assert task_reference(value) is None


def test_a_reference_is_found_where_it_stands_alone() -> None:
    assert task_reference("${tasks.a.output[0]}") == TaskReference("a", None, (0,))


@pytest.mark.parametrize(
    ("text", "unescaped"), [("$${x}", "${x}"), ("$$${x}", "$${x}"), ("$$", "$$"), ("${x}", "${x}"), ("", "")]
)
def test_a_doubled_dollar_writes_a_literal(text: str, unescaped: str) -> None:
    assert unescape(text) == unescaped


def test_the_forms_are_all_expressions() -> None:
    for form in forms():
        (found,) = expressions(form)
        assert not isinstance(found.meaning, NearMiss)


@pytest.mark.parametrize(
    ("text", "value", "made"),
    [
        ("$$${vars.a}", "5", "$5"),
        ("$$$$${vars.a}-${vars.b}", "5", "$$5-5"),
        ("$$${vars.a}", "${tasks.b.output}", "$$${tasks.b.output}"),
        ("${vars.a}${tasks.b.output}", "$", "$$${tasks.b.output}"),
        ("$$ ${vars.a} $$${HOME}", "5", "$$ 5 $$${HOME}"),
    ],
)
def test_a_dollar_before_a_value_stays_one(text: str, value: str, made: str) -> None:
    values = [(one, value) for one in expressions(text) if isinstance(one.meaning, ValueReference)]

    assert filled(text, values) == made


@pytest.mark.parametrize("text", ["${vars.a}", "$${vars.a}", "$$${vars.a}", "$$ $ ${HOME} $${{ ds }}", "a$", "{"])
def test_what_is_escaped_is_no_expression_and_stays_the_text(text: str) -> None:
    assert list(expressions(escape(text))) == []
    assert unescape(escape(text)) == text
