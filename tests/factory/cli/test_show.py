"""`factory show`: the effective document, which reads as what it is, and where each value stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.reporters.in_force import render
from schemas.compose.merging import compose
from schemas.text.document import document_from_text

from .commands import factory

DEFAULTS = "owner: shop\nenvironments:\n  prod:\n    default_args: {retries: 5}\n"
ORDERS = """\
dag_id: orders-${matrix.region}
matrix: {region: [eu, us]}
vars:
  api: ${env.API:-http://localhost}
poll:
  url: ${vars.api}/${matrix.region}
  pool: ${matrix.region}
"""
SHOWN = """\
# orders-us, environment prod
owner: shop                               # pipelines/_defaults.yaml:1
dag_id: orders-us                         # pipelines/orders.yaml:1
poll:
  url: ${env.API:-http://localhost}/us    # pipelines/orders.yaml:6
  pool: us                                # pipelines/orders.yaml:2
default_args:
  retries: 5                              # pipelines/_defaults.yaml:4
"""


def project(folder: Path) -> Path:
    (folder / "pipelines").mkdir()
    (folder / "pipelines/_defaults.yaml").write_text(DEFAULTS)
    (folder / "pipelines/orders.yaml").write_text(ORDERS)
    return folder


def test_each_value_has_its_line_and_variables_stay_expressions(tmp_path: Path) -> None:
    project(tmp_path)
    by_option = factory(
        "show", "orders-us", "--environment", "prod", cwd=tmp_path, environment={"API": "http://hidden"}
    )
    by_variable = factory("show", "orders-us", cwd=tmp_path, environment={"PIPELINE_ENVIRONMENT": "prod"})

    assert (by_option.returncode, by_option.stderr) == (0, "")
    assert [line.split() for line in by_option.stdout.splitlines()] == [line.split() for line in SHOWN.splitlines()]
    assert by_variable.stdout == by_option.stdout


TEMPLATE = """\
params: {rows: {}, text: {type: string}}
tasks:
  - {id: up, uses: empty}
  - {id: down, uses: empty, doc: "${params.text} ${tasks.up.output}", doc_rst: "${tasks.up.output}",
     doc_md: "${params.text}"}
"""
CALLER = """\
tasks:
  - {id: up, uses: empty}
  - {id: g, template: t, with: {rows: [], text: "${tasks.up.output}"}}
"""


def test_references_that_lead_out_of_a_template_are_told(tmp_path: Path) -> None:
    (tmp_path / "pipelines/_templates").mkdir(parents=True)
    (tmp_path / "pipelines/_templates/t.yaml").write_text(TEMPLATE)
    (tmp_path / "pipelines/b.yaml").write_text(CALLER)

    lines = factory("show", "b", cwd=tmp_path).stdout.splitlines()

    shown = {line.split(":")[0].strip(): line.partition("  # ")[2] for line in lines if " doc" in line}
    assert shown == {
        "doc": "pipelines/_templates/t.yaml:4, `up` (reference 1) outside of the template",
        "doc_rst": "pipelines/_templates/t.yaml:4",
        "doc_md": "pipelines/b.yaml:3, `up` outside of the template",
    }


def test_a_file_shows_every_row_and_errors_are_said_beside_it(tmp_path: Path) -> None:
    project(tmp_path)
    (tmp_path / "pipelines/orders.yaml").write_text(ORDERS + "  retries: many\n")
    shown = factory("show", "pipelines/orders.yaml", cwd=tmp_path)

    assert shown.returncode == 1
    assert [line for line in shown.stdout.splitlines() if not line.startswith(" ") and "orders-" in line][::2] == [
        "# orders-eu",
        "# orders-us",
    ]
    assert "PF103" in shown.stderr


def test_what_cannot_be_meant_is_an_error_of_use(tmp_path: Path) -> None:
    project(tmp_path)
    for arguments, says in (
        (("orders-uss",), "did you mean `orders-us`?"),
        (("pipelines/order.yaml",), "there is no such file"),
        (("orders-us", "--environment", "prdo"), "did you mean `prod`?"),
    ):
        done = factory("show", *arguments, cwd=tmp_path)
        assert (done.returncode, says in done.stderr, done.stdout) == (2, True, ""), done.stderr
    lint = factory("lint", "--environment", "prdo", cwd=tmp_path)
    assert (lint.returncode, "no pipeline declares the environment `prdo`" in lint.stderr) == (2, True)


def test_lint_of_one_environment_says_nothing_of_another(tmp_path: Path) -> None:
    project(tmp_path)
    (tmp_path / "pipelines/orders.yaml").write_text(ORDERS + "environments: {dev: {tags: [3]}}\n")
    every = factory("lint", "--format", "concise", cwd=tmp_path)
    prod = factory("lint", "--environment", "prod", cwd=tmp_path)

    assert (every.returncode, "(in environment `dev`)" in every.stdout) == (1, True)
    assert (prod.returncode, prod.stdout) == (0, "")


ODD = [
    "on",
    "1e3",
    "0o17",
    "010",
    "1:30",
    "null",
    "~",
    "",
    " x",
    "a: b",
    "# c",
    "- d",
    "@daily",
    "{{ ds }}",
    "a\n\n b\n",
    *(f"a {chr(code)} b" for code in (1, 7, 27, 0x7F, 0x85, 0x9F, 0xA0, 0xAD, 0x2028, 0x2029, 0xFEFF, 0xFFFD, 0x1F600)),
]
LONG = ["x" * 100, "- " * 60, "é" * 80]
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.just("\n"), max_size=12) | st.sampled_from(
    [*ODD, "x" * 100, "- " * 60, "é" * 80]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.floats(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from(["params", "poll", "x"]), VALUES, max_size=3))
def test_what_is_shown_reads_as_the_document(data: dict[str, Any]) -> None:
    document = document_from_text(json.dumps(data), "a.yaml")
    if document.diagnostics:
        return  # an invisible character that the language refuses
    shown = render(compose([document]))

    assert (document_from_text(shown, "shown.yaml").data or {}) == document.data, shown


@pytest.mark.parametrize("text", [text for text in ODD if not text.isprintable()])
def test_what_nobody_sees_is_shown_as_an_escape(text: str) -> None:
    shown = render(compose([document_from_text(json.dumps({"x": text, "y": [text]}), "a.yaml")]))

    assert all(one.isprintable() or one == "\n" for one in shown), shown
    assert yaml.safe_load(shown) == {"x": text, "y": [text]}, "YAML 1.1, too"


def test_a_document_of_dag_factory_keeps_its_variables(tmp_path: Path) -> None:
    """In `factory list`, too."""
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines/shop.yml").write_text("""\
shop:
  schedule: $CRON
  default_args: {owner: $TEAM, retries: $RETRIES}
  tasks:
    load: {operator: airflow.providers.standard.operators.empty.EmptyOperator}
""")
    environment = {"CRON": "17 3 * * *", "TEAM": "hidden", "RETRIES": "3"}

    shown = factory("show", "shop", cwd=tmp_path, environment=environment)
    listed = factory("list", cwd=tmp_path, environment=environment)

    assert (shown.returncode, shown.stderr) == (0, "")
    assert "schedule: $CRON" in shown.stdout
    assert "owner: $TEAM" in shown.stdout
    assert "retries: $RETRIES" in shown.stdout
    assert listed.stdout.splitlines()[1].split() == ["shop", "$CRON", "pipelines/shop.yml", "ok", "dag-factory"]


def test_a_template_is_shown_in_the_pipelines_that_use_it(tmp_path: Path) -> None:
    (tmp_path / "pipelines" / "_templates").mkdir(parents=True)
    (tmp_path / "pipelines" / "_templates" / "t.yaml").write_text("tasks: [{id: a, uses: empty}]\n")
    command = ("show", "pipelines/_templates/t.yaml")

    none = factory(*command, cwd=tmp_path)
    for name in ("one", "two"):
        (tmp_path / "pipelines" / f"{name}.yaml").write_text("tasks: [{id: g, template: t}]\n")
    two = factory(*command, cwd=tmp_path)

    said = "factory show: pipelines/_templates/t.yaml: this is a template; name a pipeline that uses it: "
    assert (none.returncode, none.stderr) == (2, f"{said}none does yet\n")
    assert (two.returncode, two.stderr) == (2, f"{said}pipelines/one.yaml, pipelines/two.yaml\n")
