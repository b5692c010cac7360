"""One file, several DAGs: values, rows of a matrix and environments, and what is said of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.check import Checker, CheckOptions
from schemas.compose.matrix import expand
from schemas.compose.merging import compose
from schemas.compose.variants import variants
from schemas.text.document import Document, document_from_text


def layer(data: Any, file: str = "orders.yaml") -> Document:
    document = document_from_text(json.dumps(data), file)
    assert document.diagnostics == ()
    return document


def rows(matrix: dict[str, Any]) -> list[dict[str, Any]]:
    return [{key: value for key, (value, _) in row.items()} for row in expand(matrix).rows]


def filled(data: dict[str, Any], environment: str | None = None) -> list[dict[str, Any]]:
    return [variant.effective.data for variant in variants("orders.yaml", [layer(data)], environment)]


class TestMatrix:
    def test_rows_are_those_of_githubs_documentation(self) -> None:
        matrix = {
            "fruit": ["apple", "pear"],
            "animal": ["cat", "dog"],
            "include": [
                {"color": "green"},
                {"color": "pink", "animal": "cat"},
                {"fruit": "apple", "shape": "circle"},
                {"fruit": "banana"},
                {"fruit": "banana", "animal": "cat"},
            ],
        }

        assert rows(matrix) == [
            {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"},
            {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"},
            {"fruit": "pear", "animal": "cat", "color": "pink"},
            {"fruit": "pear", "animal": "dog", "color": "green"},
            {"fruit": "banana"},
            {"fruit": "banana", "animal": "cat"},
        ]

    def test_an_entry_of_exclude_needs_only_some_keys_and_comes_before_include(self) -> None:
        matrix = {
            "os": ["a", "b"],
            "version": [1, 2],
            "exclude": [{"os": "a", "version": 1}, {"os": "b"}],
            "include": [{"os": "b", "version": 1}],
        }

        assert rows(matrix) == [{"os": "a", "version": 2}, {"os": "b", "version": 1}]

    def test_one_is_not_true(self) -> None:
        assert rows({"a": [1, True], "exclude": [{"a": True}]}) == [{"a": 1}]

    @given(st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True)))
    def test_lists_multiply_and_the_first_changes_slowest(self, axes: dict[str, list[int]]) -> None:
        found = rows(axes)

        assert len(found) == (0 if not axes else len({tuple(row.values()) for row in found}))
        places = [tuple(axes[key].index(row[key]) for key in axes) for row in found]
        assert places == sorted(places)
        assert not axes or found[0] == {key: values[0] for key, values in axes.items()}


class TestValues:
    @pytest.mark.parametrize("value", [3, 1.5, True, None, "text", [1, [2]], {"a": {"b": 1}}, "${env.A}", "$${x}"])
    def test_alone_a_value_keeps_its_type(self, value: Any) -> None:
        (data,) = filled({"vars": {"a": value, "b": "${vars.a}"}, "x": "${vars.b}", "y": ["${vars.a}"]})

        assert (data["x"], data["y"]) == (value, [value])

    @pytest.mark.parametrize(
        ("value", "text"), [(3, "3"), (1.5, "1.5"), (True, "true"), ("a", "a"), ("$${x}", "$${x}")]
    )
    def test_inside_a_longer_text_it_is_text(self, value: Any, text: str) -> None:
        (data,) = filled({"vars": {"a": {"b": value}}, "x": "<${vars.a.b}>"})

        assert data["x"] == f"<{text}>"

    def test_a_mapping_behind_a_value_is_looked_into(self) -> None:
        (data,) = filled({"vars": {"a": "${vars.b.c}", "b": {"c": {"d": 7}}}, "x": "${vars.a.d}"})

        assert data["x"] == 7

    def test_every_value_knows_where_it_was_written(self) -> None:
        text = (
            "vars: {n: 3}\nmatrix: {r: [eu]}\ndefault_args: {retries: '${vars.n}'}\n"
            "tags: ['${matrix.r}', 'x ${vars.n}']\n"
        )
        (variant,) = variants("a.yaml", [document_from_text(text, "a.yaml")], None)

        origin = variant.effective.origin
        assert origin(("default_args", "retries"))[1] == ("vars", "n")
        assert variant.effective.key_origin(("default_args", "retries"))[1] == ("default_args", "retries")
        assert origin(("tags", 0))[1] == ("matrix", "r", 0)
        assert origin(("tags", 1))[1] == ("tags", 1)

    @pytest.mark.parametrize(
        "values",
        [
            {f"a{n}": f"${{vars.a{n + 1}}}" for n in range(500)},
            {"a0": "${vars.a0}${vars.a0}"},
            {**{f"a{n}": [f"${{vars.a{n + 1}}}"] * 9 for n in range(15)}, "a15": 1},
            {**{f"a{n}": f"${{vars.a{n + 1}}}" * 30 for n in range(15)}, "a15": "long enough"},
        ],
    )
    def test_what_would_grow_without_end_is_an_error(self, values: dict[str, Any], tmp_path: Path) -> None:
        document = {"vars": values, "poll": {"url": "http://x/${vars.a0}"}}

        assert Checker(tmp_path).text(json.dumps(document), "a.yaml").has_errors


PARTS = st.fixed_dictionaries(
    {},
    optional={
        "owner": st.none() | st.sampled_from("ab"),
        "schedule": st.just("@daily") | st.dictionaries(st.sampled_from(["cron", "every"]), st.just("1h")),
        "default_args": st.dictionaries(st.sampled_from("ab"), st.integers(0, 3), max_size=2),
        "tags": st.lists(st.sampled_from("abc"), unique=True, max_size=2),
        "tasks": st.lists(
            st.fixed_dictionaries(
                {"id": st.sampled_from("xyz")},
                optional={
                    "retries": st.integers(0, 3),
                    "tasks": st.lists(
                        st.fixed_dictionaries({"id": st.sampled_from("uv")}, optional={"pool": st.sampled_from("pq")}),
                        unique_by=lambda task: task["id"],
                        max_size=2,
                    ),
                },
            ),
            unique_by=lambda task: task["id"],
            max_size=2,
        ),
    },
)


@settings(max_examples=60)
@given(st.lists(st.tuples(PARTS, PARTS), min_size=1, max_size=3))
def test_an_environment_is_put_over_all_the_rest_in_the_order_of_the_folders(layers: list[tuple[Any, Any]]) -> None:
    with_environments = [
        layer({**base, "environments": {"prod": over, "dev": {"owner": "x"}}}) for base, over in layers
    ]
    bases, overlays = [layer(base) for base, _ in layers], [layer(over) for _, over in layers]

    assert compose(with_environments, "prod").data == compose([*bases, *overlays]).data
    assert compose(with_environments).data == compose(bases).data
    assert compose(with_environments, "other").data == compose(bases).data


@settings(max_examples=60)
@given(PARTS, PARTS, PARTS)
def test_groups_merge_like_folders_whatever_the_grouping(first: Any, second: Any, third: Any) -> None:
    def merged(*parts: Any) -> Any:
        return compose([layer(part) for part in parts]).data

    assert merged(merged(first, second), third) == merged(first, merged(second, third)) == merged(first, second, third)
    assert merged(first, second, second) == merged(first, second)


MATRIX = "dag_id: orders-${matrix.region}\nmatrix: {region: [eu, us]}\ntasks:\n  - {id: a, uses: empty}\n"


def test_one_dag_of_a_file_can_be_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(MATRIX)
    checker = Checker(tmp_path)

    assert checker.claims("a.yaml") == ("orders-eu", "orders-us")
    assert [p.dag_id for p in checker.file("a.yaml").pipelines] == ["orders-eu", "orders-us"]
    assert [p.dag_id for p in checker.file("a.yaml", "orders-us").pipelines] == ["orders-us"]
    assert checker.file("a.yaml", "orders").pipelines == ()


def test_a_finding_in_a_value_names_where_it_is_used(tmp_path: Path) -> None:
    text = "vars: {n: many}\npoll:\n  url: http://x\n  retries: ${vars.n}\n"
    (finding,) = Checker(tmp_path).text(text, "a.yaml").diagnostics

    assert (finding.span.line, finding.span.column) == (1, 11)
    assert [(r.span.line, r.message) for r in finding.related] == [(4, "it is used here")]


def test_the_environment_is_the_options_else_the_variables(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "tasks: [{id: a, uses: empty}]\nenvironments: {prod: {dag_id: p}, dev: {dag_id: d}}\n"
    )

    def dag_ids(variable: str, chosen: str | None = None) -> list[str]:
        options = CheckOptions(environ={"PIPELINE_ENVIRONMENT": variable}, environment=chosen)
        return [p.dag_id for p in Checker(tmp_path, options).folder().pipelines]

    assert (dag_ids(""), dag_ids("prod"), dag_ids("prod", "dev"), dag_ids("prod", "")) == (["a"], ["p"], ["d"], ["a"])
