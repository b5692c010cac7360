"""Selecting inside what a task returned; the fetching itself runs in test_build_run.py."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, XComArg
from airflow.sdk.exceptions import AirflowFailException

from factory.build.arguments import build_value
from factory.operators.selection import XComSelection
from schemas.expressions.reading import task_reference


class TaskInstance:
    """Holds one XCom."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.asked: dict[str, Any] = {}

    def xcom_pull(self, **asked: Any) -> Any:
        self.asked = asked
        return self.value


def selection(text: str) -> XComSelection:
    reference = task_reference(text)
    assert reference is not None
    with DAG("dag"):
        return XComSelection(EmptyOperator(task_id=reference.task_id), reference)


def resolved(text: str, value: Any) -> Any:
    return selection(text).resolve({"ti": TaskInstance(value)})


VALUE = {"rows": [{"id": 1}, {"id": 2}], "order-id": 7, "none": None, "0": "zero", "tuple": (1, 2)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${tasks.t.output}", VALUE),
        ("${tasks.t.output.rows}", VALUE["rows"]),
        ("${tasks.t.output.rows[0].id}", 1),
        ("${tasks.t.output.rows[-1].id}", 2),
        ("${tasks.t.output.order-id}", 7),
        ('${tasks.t.output["order-id"]}', 7),
        ("${tasks.t.output.none}", None),
        ("${tasks.t.output['0']}", "zero"),
        ("${tasks.t.output.tuple[1]}", 2),
    ],
)
def test_steps_select_inside_the_value(text: str, expected: Any) -> None:
    assert resolved(text, VALUE) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "${tasks.t.output.row}",
            "`.row` selects nothing: `tasks.t.output` is a mapping with "
            "the keys `rows`, `order-id`, `none`, `0`, `tuple`",
        ),
        ("${tasks.t.output.rows[2]}", "`[2]` selects nothing: `tasks.t.output.rows` is a list of 2 items"),
        (
            "${tasks.t.output.rows.id}",
            "`.id` selects nothing: `tasks.t.output.rows` is a list of 2 items, and a list has no keys; "
            "select an item by its number, as in `[0]`",
        ),
        (
            "${tasks.t.output.none.x}",
            "`.x` selects nothing: `tasks.t.output.none` is empty: the task returned nothing there",
        ),
        ("${tasks.t.output.rows[0].id.x}", "`.x` selects nothing: `tasks.t.output.rows[0].id` is a number"),
        (
            "${tasks.t.output.rows[0][0]}",
            "`[0]` selects nothing: `tasks.t.output.rows[0]` is a mapping with the key `id`",
        ),
        ("${tasks.t.output.0}", None),
    ],
)
def test_a_step_that_does_not_fit_says_what_is_there(text: str, why: str | None) -> None:
    if why is None:
        assert task_reference(text) is None
        return
    with pytest.raises(AirflowFailException) as caught:
        resolved(text, VALUE)
    assert str(caught.value) == f"{text}: {why}"


@pytest.mark.parametrize(
    ("value", "text"),
    [("a b", "a b"), (None, ""), (True, "true"), (3, "3"), ([1, {"ä": None}], '[1, {"ä": null}]')],
)
def test_as_text(value: Any, text: str) -> None:
    chosen = selection("${tasks.t.output}")
    chosen.as_text = True
    assert chosen.resolve({"ti": TaskInstance(value)}) == text


@pytest.mark.parametrize(
    ("written", "value", "text"),
    [
        ("${tasks.t.output} rows\n", 3, "3 rows"),
        ("${tasks.t.output}/${tasks.t.output}", True, "true/true"),
        ("a ${tasks.t.output}", datetime(2026, 1, 2, tzinfo=UTC), "a 2026-01-02 00:00:00+00:00"),
        ("{% if 1 %}-${tasks.t.output[1]}-{% endif %}{{ 1 + 1 }}", [1, "{{ 2 }}"], "-{{ 2 }}-2"),
        ("{% raw %}{{ ${tasks.t.output} }}{% endraw %}", "a", "{{ a }}"),
        ("$$${tasks.t.output} $${HOME}", 5, "$5 ${HOME}"),
        (" $${tasks.t.output} ${tasks.t.output} $${{ 3 }}", "", " ${tasks.t.output}  $3"),
    ],
)
@pytest.mark.parametrize("native", [True, False])
def test_a_text_with_references(written: str, value: Any, text: str, native: bool) -> None:
    with DAG("dag", render_template_as_native_obj=native):
        task = EmptyOperator(task_id="t")
        made = build_value(written, lambda reference, as_text: XComSelection(task, reference, as_text=as_text))
    assert str(made) == written.replace("$$", "$")
    assert {operator.task_id for operator, _ in XComArg.iter_xcom_references([made])} == {"t"}
    assert made.resolve({"ti": TaskInstance(value), "task": task}) == text


def test_a_text_without_its_value_fails() -> None:
    with DAG("dag"):
        task = EmptyOperator(task_id="t")
        made = build_value(
            "rm -r /data/${tasks.t.output.x}", lambda one, as_text: XComSelection(task, one, as_text=as_text)
        )
    with pytest.raises(
        AirflowFailException, match=r"\$\{tasks\.t\.output\.x\}: the value is empty, and the text `rm -r "
    ):
        made.resolve({"ti": TaskInstance({"x": None}), "task": task})


def test_long_values_are_shown_short() -> None:
    with pytest.raises(AirflowFailException) as caught:
        resolved("${tasks.t.output.x}", {f"key{n}": "v" * 1000 for n in range(1000)})
    assert len(str(caught.value)) < 250


def test_text_is_not_a_list() -> None:
    with pytest.raises(AirflowFailException, match="is text"):
        resolved("${tasks.t.output[0]}", "abc")


@pytest.mark.parametrize(
    ("text", "key"), [("${tasks.t.output.a}", "return_value"), ("${tasks.t.xcom.http.status}", "http")]
)
def test_the_xcom_asked_for(text: str, key: str) -> None:
    ti = TaskInstance({"a": 1, "status": 200})
    assert selection(text).resolve({"ti": ti}) in (1, 200)
    assert (ti.asked["task_ids"], ti.asked["key"]) == ("t", key)


@pytest.mark.parametrize("text", ["${tasks.t.output}", "${tasks.t.xcom.http.status}", "${tasks.t.output.rows[-1].id}"])
def test_its_text_is_the_expression_and_it_is_an_edge(text: str) -> None:
    chosen = selection(text)
    assert str(chosen) == repr(chosen) == text
    assert [operator.task_id for operator, _ in XComArg.iter_xcom_references({"x": [chosen]})] == ["t"]
