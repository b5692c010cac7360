"""Trigger rules decide as Airflow's scheduler does."""

from __future__ import annotations

import pytest
from airflow.sdk import TriggerRule

from factory.trial.supervisor import decide

S, F, K, U = "success", "failed", "skipped", "upstream_failed"


@pytest.mark.parametrize(
    ("rule", "states", "decided"),
    [
        ("all_success", [S, S], "run"),
        ("all_success", [S, K], K),
        ("all_success", [S, K, F], U),
        ("all_failed", [F, U], "run"),
        ("all_failed", [F, S], K),
        ("all_done", [F, K, S], "run"),
        ("all_skipped", [K, K], "run"),
        ("all_skipped", [K, F], K),
        ("one_success", [F, S], "run"),
        ("one_success", [F, K], U),
        ("one_success", [K, K], K),
        ("one_failed", [S, F], "run"),
        ("one_failed", [S, S], K),
        ("one_done", [K, F], "run"),
        ("one_done", [K, U], K),
        ("none_failed", [S, K], "run"),
        ("none_failed", [K, K], "run"),
        ("none_failed", [S, U], U),
        ("none_failed_min_one_success", [S, K], "run"),
        ("none_failed_min_one_success", [K, K], K),
        ("none_failed_min_one_success", [S, F], U),
        ("none_skipped", [S, F], "run"),
        ("none_skipped", [S, K], K),
        ("all_done_min_one_success", [S, F], "run"),
        ("all_done_min_one_success", [S, K], K),
        ("all_done_min_one_success", [F, F], U),
        ("always", [F, U], "run"),
        ("all_success", [], "run"),
    ],
)
def test_a_rule_decides(rule: str, states: list[str], decided: str) -> None:
    assert decide(rule, states) == decided


@pytest.mark.parametrize(("setups", "decided"), [([S], "run"), ([F, S], "run"), ([K, K], K), ([F], U), ([], "run")])
def test_a_teardown_asks_its_setups(setups: list[str], decided: str) -> None:
    assert decide("all_done_setup_success", [F, *setups], setups) == decided


def test_every_rule_of_airflow_is_known() -> None:
    for rule in TriggerRule:
        assert decide(rule.value, [S]) in ("run", K, U)
