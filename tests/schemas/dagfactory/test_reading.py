"""dag-factory's documents as text: what they are told by, and the values that PyYAML gives for them."""

from __future__ import annotations

import gc
import os
import string
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from schemas.check import Checker, CheckOptions
from schemas.compose.env_values import EnvText
from schemas.dagfactory.reading import DagFactoryDocument, read_dag_factory
from schemas.folder.dialect import has_shape, is_defaults, may_be_dag_factory
from schemas.folder.discovery import pipeline_paths

TASK = "  tasks:\n    load: {operator: airflow.providers.standard.operators.empty.EmptyOperator}\n"


def read(text: str, **environ: str) -> DagFactoryDocument:
    return read_dag_factory(text, "orders.yml", environ)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"orders": {"tasks": {"load": {"operator": "x.Y"}}}}, True),
        ({"orders": {"tasks": [{"task_id": "load", "decorator": "x.y"}]}}, True),
        ({"default": {"tasks": [{"operator": "x.Y"}]}, "orders": {}}, True),
        ({"tasks": {"tasks": [{"operator": "x.Y"}]}}, False),
        ({"tasks": [{"id": "load", "uses": "x.Y", "with": {"operator": "+"}}]}, False),
        ({"orders": {"tasks": 3}}, False),
        (["orders"], False),
    ],
)
def test_a_document_is_told_by_its_shape(data: Any, expected: bool) -> None:
    assert has_shape(data) is expected


@pytest.mark.parametrize("comment", ["# factory: dialect=dag-factory", "---\n\n#factory:dialect = dag-factory"])
def test_a_comment_before_the_content_forces_it(comment: str) -> None:
    assert may_be_dag_factory(f"{comment}\norders: {{}}\n")
    assert not may_be_dag_factory(f"orders: {{}}\n{comment}\n")


def test_a_pipeline_that_only_speaks_of_operators_is_ours(tmp_path: Path) -> None:
    text = "tasks:\n  - {id: a, uses: bash, with: {bash_command: 'operator: x', env: {operator: '+'}}}\n"
    result = Checker(tmp_path).text(text, "orders.yaml")
    assert [p.dag_id for p in result.pipelines] == ["orders"]


def test_defaults_are_no_pipelines(tmp_path: Path) -> None:
    (tmp_path / "defaults.yml").write_text("default_args:\n  owner: x\n")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "defaults.yaml").write_text("tasks:\n  - {id: a, uses: empty}\n")
    (tmp_path / "orders.yml").write_text(f"orders:\n{TASK}")
    os.mkfifo(tmp_path / "own" / "defaults.yml")
    assert list(pipeline_paths(tmp_path)) == ["orders.yml", "own/defaults.yaml", "own/defaults.yml"]
    assert is_defaults("schedule: '@daily'\n")


SCALARS = st.one_of(
    st.from_regex(r"[-+]?[0-9_.:]{1,8}([eE][-+]?[0-9]{1,2})?", fullmatch=True),
    st.sampled_from(
        ["yes", "No", "ON", "off", "y", "null", "~", "Null", "0x1F", "0b11", "0o10", ".inf", "-.INF", ".nan"]
    ),
    st.text(string.ascii_letters + string.digits + "_.:+-", min_size=1, max_size=8),
    st.dates().map(str),
    st.from_regex(r"20[0-9]{2}-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9](Z| \+0[0-9]:00)?", fullmatch=True),
)


@given(SCALARS)
def test_plain_values_are_those_of_pyyaml(written: str) -> None:
    text = f"value: {written}\n"
    try:
        expected = yaml.load(text, Loader=yaml.FullLoader)  # noqa: S506 # what dag-factory reads with
    except (yaml.YAMLError, ValueError):
        expected = None
    document = read(text)
    if expected is None or not isinstance(expected, dict):
        return
    assert repr(document.data) == repr(expected)


def test_variables_are_expanded_after_the_yaml_is_read() -> None:
    document = read(
        'a: $N\nb: "$N"\nc: ${NAME}/x\nd: $UNSET\ne: [$NAME]\nf: $LIST\n', N="3", NAME="x: y", LIST="[1, 2]"
    )
    assert document.data == {"a": 3, "b": "3", "c": "x: y/x", "d": "$UNSET", "e": ["x: y"], "f": [1, 2]}
    assert isinstance(document.data["b"], EnvText)
    assert document.data["c"].expression == "${NAME}/x"


def test_a_date_is_an_object() -> None:
    assert read("a: 2026-01-31\n").data == {"a": date(2026, 1, 31)}


def test_what_an_environment_gives_is_not_repeated(tmp_path: Path) -> None:
    text = "orders:\n  timezone: $ZONE\n  default_args: {start_date: $START}\n" + TASK
    environ = {"ZONE": "Hidden/Zone", "START": "hidden date"}
    result = Checker(tmp_path, CheckOptions(environ=environ)).text(text, "orders.yml")
    assert {d.code.id for d in result.diagnostics} == {"PF203", "PF104"}
    assert "idden" not in " ".join(d.message + d.caret + d.help for d in result.diagnostics)


@pytest.mark.parametrize(
    "text_of",
    [
        lambda size: "orders:\n  start_date: '1 day" + " " * 125_000 * size + "x'\n" + TASK,
        lambda size: "orders:\n" + TASK + "      x: '" + "${" * 50_000 * size + "'\n",
        lambda size: "orders:\n" + TASK + "      x: " + "1:" * 25_000 * size + "1\n",
        lambda size: "orders:\n" + TASK + "      expand: {x: '" + "XcomArg" + "(" * 75_000 * size + "'}\n",
        lambda size: "operator" * 25_000 * size + ":\n",
        lambda size: (
            "orders:\n  tasks:\n"
            + "".join(f"    t{n}: {{operator: a.B, dependencies: [t{n + 1}]}}\n" for n in range(1_250 * size))
        ),
    ],
    ids=["date", "expressions", "number", "brackets", "key", "tasks"],
)
def test_a_hostile_text_takes_time_for_its_length_alone(text_of: Callable[[int], str], tmp_path: Path) -> None:
    def spent(size: int) -> float:
        began = time.process_time()
        Checker(tmp_path, CheckOptions(environ={})).text(text_of(size), "orders.yml")
        return time.process_time() - began

    spent(1)  # imports
    gc.disable()  # a collection walks all that other tests have left in this process
    try:
        once, longer = spent(1), spent(4)
    finally:
        gc.enable()
    # Four times as long: four times as much, and sixteen times where it goes by the square.
    assert longer < 9 * once + 0.5
