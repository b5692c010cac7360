"""What is held against a JSON Schema here, and what is left to Airflow."""

from __future__ import annotations

from schemas.model.value_schema import misfits


def test_a_pattern_that_may_take_for_ever_is_left_to_airflow() -> None:
    assert [*misfits("a" * 40 + "b", {"type": "string", "pattern": "^(a+)+$"})] == []
    assert [one.must for one in misfits("ab", {"type": "string", "pattern": "^a+$"})] == [
        "a text that fits the pattern `^a+$`"
    ]
