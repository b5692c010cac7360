"""Folder defaults and a file become one document, and every value knows where it came from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.compose.effective import Effective
from schemas.compose.merging import WHOLE_AT_TOP, WHOLE_IN_REQUEST, compose
from schemas.model.fields import Model
from schemas.model.http import HttpRequest
from schemas.model.pipeline import Pipeline
from schemas.text.document import Document, document_from_text

Path = tuple[str | int, ...]


def layer(data: Any, file: str = "orders.yaml") -> Document:
    """A document of JSON text on one line, which is YAML: a column is an index."""
    document = document_from_text(json.dumps(data, ensure_ascii=False), file)
    assert document.diagnostics == ()
    return document


def merged(*layers: Any) -> dict[str, Any]:
    return compose([layer(data) for data in layers]).data


def at(data: Any, path: Path) -> Any:
    for element in path:
        data = data[element]
    return data


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    pairs = list(children)
    if not pairs:
        yield path
    for key, child in pairs:
        yield from leaves(child, (*path, key))


class TestMerging:
    @pytest.mark.parametrize(
        ("below", "above", "result"),
        [
            ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
            ({"owner": "a"}, {"owner": "b"}, {"owner": "b"}),
            ({"owner": "a"}, {"owner": None}, {"owner": None}),
            ({"default_args": {"retries": 1, "pool": "a"}}, {"default_args": {"pool": None}}, None),
            ({"default_args": {"retries": 1}}, {"default_args": None}, {"default_args": None}),
            ({"default_args": {"retries": 1}}, {"default_args": {}}, {"default_args": {"retries": 1}}),
            ({"params": {"a": {"x": 1}}}, {"params": {"a": {"y": 2}}}, {"params": {"a": {"x": 1, "y": 2}}}),
            ({"params": {"a": [1, 2]}}, {"params": {"a": [3]}}, {"params": {"a": [3]}}),
            ({"schedule": {"cron": "0 0 * * *"}}, {"schedule": {"every": "1h"}}, {"schedule": {"every": "1h"}}),
            ({"schedule": "@daily"}, {"schedule": {"every": "1h"}}, {"schedule": {"every": "1h"}}),
            (
                {"params": {"schedule": {"x": 1}}},
                {"params": {"schedule": {"y": 2}}},
                {"params": {"schedule": {"x": 1, "y": 2}}},
            ),
            ({"tags": ["a", "b"]}, {"tags": ["c", "a"]}, {"tags": ["a", "b", "c"]}),
            ({"tags": ["a"]}, {"tags": None}, {"tags": None}),
            ({"tags": ["a"]}, {"tags": []}, {"tags": ["a"]}),
        ],
    )
    def test_the_nearer_one_wins(self, below: Any, above: Any, result: Any) -> None:
        assert merged(below, above) == (result or {"default_args": {"retries": 1, "pool": None}})

    def test_tasks_merge_by_their_id(self) -> None:
        below = {"tasks": [{"id": "a", "retries": 1, "with": {"x": 1}}, {"id": "b"}]}
        above = {"tasks": [{"id": "c"}, {"id": "a", "with": {"y": 2}}]}

        assert merged(below, above)["tasks"] == [
            {"id": "a", "retries": 1, "with": {"x": 1, "y": 2}},
            {"id": "b"},
            {"id": "c"},
        ]

    def test_a_default_is_matched_once_so_that_a_repeated_id_stays_repeated(self) -> None:
        below = {"tasks": [{"id": "a", "retries": 1}]}
        above = {"tasks": [{"id": "a", "pool": "x"}, {"id": "a", "pool": "y"}]}

        assert merged(below, above)["tasks"] == [{"id": "a", "retries": 1, "pool": "x"}, {"id": "a", "pool": "y"}]

    def test_tasks_without_an_id_stay_what_they_are(self) -> None:
        assert merged({"tasks": [{"x": 1}, 3]}, {"tasks": [{"y": 2}]})["tasks"] == [{"x": 1}, 3, {"y": 2}]

    def test_lists_called_tasks_or_tags_further_down_replace(self) -> None:
        below = {"params": {"tags": ["a"], "tasks": [{"id": "a"}]}}
        above = {"params": {"tags": ["b"], "tasks": [{"id": "b"}]}}

        assert merged(below, above) == above

    def test_an_empty_file_changes_nothing(self) -> None:
        effective = compose([layer({"a": 1}), document_from_text("", "empty.yaml"), layer({"b": 2})])

        assert effective.data == {"a": 1, "b": 2}

    def test_the_layers_are_left_as_they_are(self) -> None:
        below = layer({"default_args": {"retries": 1}, "tasks": [{"id": "a", "with": {}}], "tags": ["x"]})
        before = json.dumps(below.data)
        compose(
            [below, layer({"default_args": {"pool": "p"}, "tasks": [{"id": "a", "with": {"x": 1}}], "tags": ["y"]})]
        )

        assert json.dumps(below.data) == before


class TestOrigins:
    def effective(self) -> Effective:
        root = layer({"owner": "a", "default_args": {"retries": 1, "pool": "p"}, "tags": ["x"]}, "root")
        team = layer({"default_args": {"pool": "q"}, "tasks": [{"id": "r", "retries": 1}]}, "team")
        file = layer({"tags": ["y"], "tasks": [{"id": "s"}, {"id": "r", "pool": "z"}]}, "file")
        return compose([root, team, file])

    @pytest.mark.parametrize(
        ("path", "file", "place"),
        [
            (("owner",), "root", ("owner",)),
            (("default_args", "retries"), "root", ("default_args", "retries")),
            (("default_args", "pool"), "team", ("default_args", "pool")),
            (("tags", 0), "root", ("tags", 0)),
            (("tags", 1), "file", ("tags", 0)),
            (("tasks", 0, "retries"), "team", ("tasks", 0, "retries")),
            (("tasks", 0, "pool"), "file", ("tasks", 1, "pool")),
            (("tasks", 1, "id"), "file", ("tasks", 0, "id")),
            (("tasks", 0), "file", ("tasks", 1)),
            (("default_args",), "team", ("default_args",)),
            ((), "file", ()),
        ],
    )
    def test_every_value_knows_its_layer(self, path: Path, file: str, place: Path) -> None:
        document, found = self.effective().origin(path)

        assert (document.file, found) == (file, place)

    def test_a_key_that_is_nowhere_is_looked_for_where_its_parent_stands(self) -> None:
        document, place = self.effective().origin(("default_args", "missing"))

        assert (document.file, place) == ("team", ("default_args", "missing"))


NAMES = st.sampled_from(["a", "b", "주문", "x y"])
VALUES = st.none() | st.integers(-9, 9) | st.sampled_from(["", "text", "📦", "${env.A}"]) | st.lists(st.integers(0, 3))
MAPPINGS = st.dictionaries(NAMES, VALUES, max_size=4)
TASKS = st.lists(
    st.fixed_dictionaries({"id": NAMES}, optional={"retries": VALUES, "with": MAPPINGS, "doc": VALUES}),
    unique_by=lambda task: str(task["id"]),
    max_size=4,
)
LAYERS = st.fixed_dictionaries(
    {},
    optional={
        "owner": VALUES,
        "schedule": st.just("@daily") | MAPPINGS,
        "default_args": MAPPINGS,
        "params": st.fixed_dictionaries({}, optional={"deep": MAPPINGS, "flat": VALUES}),
        "tags": st.lists(NAMES, unique=True),
        "tasks": TASKS,
    },
)
"""Layers whose keys hold the same kind of thing in each: where a text takes a mapping's place, grouping matters."""


@given(st.lists(LAYERS, min_size=1, max_size=4))
def test_every_value_stands_where_its_origin_says(layers: list[Any]) -> None:
    effective = compose([layer(data, str(number)) for number, data in enumerate(layers)])

    for path in leaves(effective.data):
        document, place = effective.origin(path)
        value = at(effective.data, path)
        assert at(document.data, place) == value
        if place and not (isinstance(value, dict | list)):
            span = document.value_span(place)
            assert document.text[span.column - 1 : span.end_column - 1] == json.dumps(value, ensure_ascii=False)


@given(LAYERS, LAYERS, LAYERS)
def test_grouping_does_not_matter(first: Any, second: Any, third: Any) -> None:
    all_at_once = merged(first, second, third)

    assert merged(merged(first, second), third) == all_at_once
    assert merged(first, merged(second, third)) == all_at_once


@given(LAYERS, LAYERS)
def test_a_layer_twice_is_a_layer_once(first: Any, second: Any) -> None:
    assert merged(first, first) == first
    assert merged(first, second, second) == merged(first, second)


ANYTHING = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2), max_leaves=6
)


@settings(max_examples=50)
@given(st.lists(st.dictionaries(NAMES | st.sampled_from(["tasks", "tags"]), ANYTHING, max_size=3), max_size=3))
def test_whatever_stands_in_layers_is_merged(layers: list[Any]) -> None:
    effective = compose([layer(data, str(number)) for number, data in enumerate([*layers, {}])])

    for path in leaves(effective.data):
        document, place = effective.origin(path)
        assert at(document.data, place) == at(effective.data, path)


def test_what_has_several_shapes_is_known_to_replace() -> None:
    def mappings(annotation: Any) -> set[type]:
        """The models of which a mapping that is there may be one."""
        if isinstance(annotation, type):
            return {annotation} if issubclass(annotation, Model) else set()
        inside = () if get_origin(annotation) in (list, dict) else get_args(annotation)
        return {model for part in inside for model in mappings(part)}

    for model, known in ((Pipeline, WHOLE_AT_TOP), (HttpRequest, WHOLE_IN_REQUEST)):
        several = {f.alias or name for name, f in model.model_fields.items() if len(mappings(f.annotation)) > 1}
        assert several <= known, several - known
