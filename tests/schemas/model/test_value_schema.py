"""What is held against a JSON Schema here, and what is left to Airflow."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.model.value_schema import misfits

LONG = "^[a-z]+(_[a-z]+)*$"


def test_a_pattern_that_may_take_for_ever_is_left_to_airflow() -> None:
    assert [*misfits("a" * 40 + "b", {"type": "string", "pattern": "^(a+)+$"})] == []
    assert [one.must for one in misfits("ab", {"type": "string", "pattern": "^a+$"})] == [
        "a text that fits the pattern `^a+$`"
    ]


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        ({"type": "string"}, "a", [1, 2]),
        ({"anyOf": [{"type": "string", "pattern": LONG}, {"type": "null"}]}, None, 3),
        ({"items": {"type": "string", "pattern": LONG}}, ["A"], [1]),
        ({"type": "string", "not": {"pattern": LONG}}, "A", 1),
        ({"type": "string", "oneOf": [{"pattern": LONG}, {"minLength": 1}]}, "A", 1),
        ({"type": "object", "patternProperties": {LONG: {}}, "additionalProperties": False}, {"a": 1}, 1),
        ({"properties": {"not": {"pattern": LONG}}, "additionalProperties": False}, {"not": "a"}, {"b": 1}),
        ({"allOf": [{"patternProperties": {LONG: {}}}], "unevaluatedProperties": False, "type": "object"}, {"a": 1}, 1),
    ],
)  # fmt: skip
def test_the_rest_of_a_schema_with_such_a_pattern_is_checked(schema: dict[str, Any], right: Any, wrong: Any) -> None:
    schema = {"pattern": LONG, **schema}

    assert [*misfits(right, schema)] == []
    assert [*misfits(wrong, schema)] != []
