"""Templates: their params, what they see of those who use them, and what those see of them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from schemas.compose.effective import Effective
from schemas.compose.variants import variants
from schemas.findings.codes import Code
from schemas.text.document import Document, document_from_text


class Known(dict[str, str]):
    """Templates by name."""

    def template(self, name: str) -> Document | None:
        return document_from_text(self[name], f"_templates/{name}.yaml") if name in self else None

    def template_names(self) -> Collection[str]:
        return self.keys()


def effective(text: str, **templates: str) -> Effective:
    document = document_from_text(text, "shop.yaml")
    assert document.diagnostics == ()
    (variant,) = variants("shop.yaml", [document], None, templates=Known(templates))
    return variant.effective


def task(made: Effective, *ids: str) -> dict[str, Any]:
    found: Any = {"tasks": made.data["tasks"]}
    for one in ids:
        found = next(entry for entry in found["tasks"] if entry["id"] == one)
    return found  # type: ignore[no-any-return]


def problems(made: Effective) -> list[tuple[Code, str]]:
    return [(problem.code, problem.message) for problem in made.problems]


TYPED = """
params:
  whole: {type: [integer, string]}
  many: {default: {a: [1, 2]}}
  plain: 1.50
tasks:
  - id: t
    uses: jobs.run
    with: {w: "${params.whole}", m: "${params.many}", a: "${params.many.a}", p: "p ${params.plain}"}
"""


@pytest.mark.parametrize("value", ["3", '"3"', "7", "abc"])
def test_a_value_keeps_its_type_and_its_spelling(value: str) -> None:
    made = effective(f"tasks: [{{id: g, template: t, with: {{whole: {value}}}}}]", t=TYPED)

    assert problems(made) == []
    arguments = task(made, "g", "t")["with"]
    assert arguments == {
        "w": document_from_text(value, "").data, "m": {"a": [1, 2]}, "a": [1, 2], "p": "p 1.50"
    }  # fmt: skip


def test_a_place_is_where_the_value_is_written() -> None:
    made = effective("tasks:\n  - id: g\n    template: t\n    with:\n      whole: 3\n", t=TYPED)

    def line(*path: str | int) -> str:
        document, place = made.origin(("tasks", 0, "tasks", 0, *path))
        return f"{document.file}:{document.value_span(place).line}"

    assert line("id") == "_templates/t.yaml:7"
    assert line("with", "w") == "shop.yaml:5"
    assert line("with", "m") == "_templates/t.yaml:4"


def test_references_of_the_caller_mean_its_tasks_however_deep_they_are_used() -> None:
    deep = "params: {rows: {}}\ntasks: [{id: count, tasks: [{id: count, uses: a.b, with: {r: '${params.rows}'}}]}]"
    outer = "params: {rows: {}}\ntasks: [{id: in, template: deep, with: {rows: '${params.rows}'}}]"
    made = effective(
        """
tasks:
  - {id: count, uses: a.b}
  - {id: g, template: outer, with: {rows: "${tasks.count.output[0]} ${tasks.count.output}"}}
""",
        deep=deep,
        outer=outer,
    )

    assert problems(made) == []
    used = task(made, "g", "in", "count", "count")["with"]["r"]
    assert used == "${tasks.^^^count.output[0]} ${tasks.^^^count.output}"


def test_references_of_a_default_mean_the_tasks_at_the_top_of_the_template() -> None:
    inner = """
params: {given: {}, rows: {default: "${tasks.count.output}"}, both: {default: "${params.given} ${params.rows}"}}
tasks:
  - {id: count, uses: a.b}
  - {id: t, uses: a.b, with: {r: "${params.rows}"}}
  - {id: g, tasks: [{id: count, uses: a.b}, {id: t, uses: a.b, with: {r: "${params.rows}", b: "n ${params.both}"}}]}
"""
    made = effective("tasks: [{id: c, template: t, with: {given: '${tasks.count.output}'}}]", t=inner)

    assert problems(made) == []
    assert task(made, "c", "t")["with"]["r"] == "${tasks.count.output}"
    assert task(made, "c", "g", "t")["with"] == {
        "r": "${tasks.^count.output}", "b": "n ${tasks.^^count.output} ${tasks.^count.output}"
    }  # fmt: skip


def test_rows_of_the_caller_are_not_those_of_a_task_inside() -> None:
    inner = """
params: {value: {}, list: {}}
tasks:
  - id: t_${matrix.region}
    matrix: {region: "${params.list}"}
    uses: a.b
    with: {value: "${params.value}", own: "${matrix.region}", outer: "${matrix.tier}", var: "${vars.v}"}
  - {id: end, uses: a.b, needs: ["t_${matrix.region}"]}
"""
    made = effective(
        """
vars: {v: 1}
tasks:
  - id: g_${matrix.region}
    matrix: {region: [eu, us], include: [{tier: gold}]}
    template: inner
    with: {value: "${matrix.region}", list: ["${matrix.region}_1", "${matrix.region}_2"]}
""",
        inner=inner,
    )

    assert problems(made) == []
    assert task(made, "g_us", "t_us_2")["with"] == {"value": "us", "own": "us_2", "outer": "gold", "var": 1}
    assert task(made, "g_eu", "end")["needs"] == ["t_eu_1", "t_eu_2"]


def test_an_output_is_that_of_the_task_behind_it() -> None:
    inner = "tasks: [{id: a, uses: a.b}]\noutputs: {x: '${tasks.a.xcom.key.deep}'}"
    outer = "tasks: [{id: i, template: inner}]\noutputs: {y: '${tasks.i.output.x[0]}'}"
    made = effective(
        """
tasks:
  - {id: g, template: outer}
  - {id: h, tasks: [{id: i, uses: a.b, with: {whole: "${tasks.g.output.y.z}", text: "n ${tasks.g.output.y}"}}]}
""",
        inner=inner,
        outer=outer,
    )

    assert problems(made) == []
    # `i` is also the id of a task around it, and `^` says which one is meant.
    assert task(made, "h", "i")["with"] == {
        "whole": "${tasks.^g.i.a.xcom.key.deep[0].z}",
        "text": "n ${tasks.^g.i.a.xcom.key.deep[0]}",
    }


def test_templates_in_each_other_are_bounded() -> None:
    uses = ", ".join(f"{{id: t{number}, template: NEXT}}" for number in range(12))
    levels = {f"l{level}": f"tasks: [{uses.replace('NEXT', f'l{level + 1}')}]" for level in range(6)}
    made = effective("tasks: [{id: g, template: l0}]", **levels, l6="tasks: [{id: end, uses: empty}]")

    assert problems(made) == [
        (Code.TOO_LARGE, "the matrices and templates of tasks give more than 1,024 rows together")
    ]
