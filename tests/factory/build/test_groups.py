"""Task groups: ids, edges, defaults."""

from __future__ import annotations

import textwrap
from pathlib import Path

from airflow.sdk import DAG, TaskGroup

from .built_dags import built

CASES = Path(__file__).parents[2] / "cases" / "valid"


def edges(dag: DAG) -> dict[str, set[str]]:
    return {task.task_id: task.upstream_task_ids for task in dag.tasks}


def test_names_are_looked_up_in_the_own_group_first() -> None:
    dag = built((CASES / "task-groups.yaml").read_text())

    assert edges(dag) == {
        "poll": set(),
        "first": {"poll"},
        "extract.first": {"first"},
        "extract.second": {"extract.first"},
        "extract.deep.a": {"extract.second", "extract.first"},
        "extract.deep.b": {"extract.deep.a"},
        "extract.last": {"extract.deep.b"},
        "alone": {"extract.last"},
        "end": {"alone", "extract.deep.a"},
    }
    assert str(dag.get_task("extract.deep.a").env["A"]) == "${tasks.extract.second.output}"


def test_a_group_is_airflows_own() -> None:
    dag = built(
        """
        default_args: {retries: 1, owner: data, pool: small}
        tasks:
          - id: outer
            tooltip: Tip
            group_display_name: The outer one
            doc_md: README.md
            ui_color: "#112233"
            ui_fgcolor: white
            default_args: {retries: 2, pool: null}
            tasks:
              - id: inner
                default_args: {owner: sales}
                tasks: [{id: a, uses: empty}, {id: b, uses: empty, retries: 3}]
        """
    )

    group = dag.task_group.children["outer"]
    assert isinstance(group, TaskGroup)
    assert (group.tooltip, group.label, group.doc_md) == ("Tip", "The outer one", "README.md\n")
    assert (group.ui_color, group.ui_fgcolor) == ("#112233", "white")
    a, b = dag.get_task("outer.inner.a"), dag.get_task("outer.inner.b")
    assert (a.retries, a.owner, a.pool) == (2, "sales", "default_pool")
    assert (b.retries, b.owner) == (3, "sales")


def test_edges_of_groups_are_those_of_airflow_whatever_the_order_in_the_file() -> None:
    text = """
        tasks:
          - {id: end, uses: empty, needs: [two]}
          - id: two
            needs: [one]
            tasks:
              - {id: y, uses: empty, needs: [x]}
              - {id: x, uses: empty}
          - id: one
            tasks:
              - {id: after, uses: empty, needs: [inner]}
              - id: inner
                tasks: [{id: b, uses: empty, needs: [a]}, {id: a, uses: empty}]
        """
    from airflow.providers.standard.operators.empty import EmptyOperator  # noqa: PLC0415 # as a DAG file would

    with DAG("by_hand") as by_hand:
        with TaskGroup("one") as one:
            with TaskGroup("inner") as inner:
                EmptyOperator(task_id="a") >> EmptyOperator(task_id="b")
            inner >> EmptyOperator(task_id="after")
        with TaskGroup("two") as two:
            EmptyOperator(task_id="x") >> EmptyOperator(task_id="y")
        one >> two >> EmptyOperator(task_id="end")

    dag = built(textwrap.dedent(text))
    assert edges(dag) == edges(by_hand)
    for group in ("one", "two", "one.inner"):
        mine, theirs = (d.task_group.get_task_group_dict()[group] for d in (dag, by_hand))
        assert mine.upstream_group_ids == theirs.upstream_group_ids
        assert mine.downstream_task_ids == theirs.downstream_task_ids
