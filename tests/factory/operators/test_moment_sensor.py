"""The sensors of `wait_until`: in the triggerer only for what is to come, and no longer than their timeout."""

from __future__ import annotations

from datetime import timedelta

import pytest
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import TaskDeferred

from tests.factory.build.built_dags import built


def waiting(arguments: str) -> BaseOperator:
    task = built(f"tasks: [{{id: a, uses: wait_until, with: {{{arguments}}}}}]").get_task("a")
    assert isinstance(task, BaseOperator)
    return task


@pytest.mark.parametrize("moment", ["2026-01-01T06:00", "00:00"])
@pytest.mark.parametrize("deferrable", ["true", "false"])
def test_what_is_over_is_not_deferred_for(moment: str, deferrable: str) -> None:
    waiting(f'target_time: "{moment}", deferrable: {deferrable}').execute({})


def test_the_timeout_holds_in_the_triggerer() -> None:
    with pytest.raises(TaskDeferred) as deferred:
        waiting("target_time: 2999-01-01T06:00, timeout: 1h").execute({})
    assert deferred.value.timeout == timedelta(hours=1)
    assert deferred.value.method_name == "execute_complete"
