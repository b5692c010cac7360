"""Lint and the constructors of Airflow's operators over generated calls: what one refuses the other refuses."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from factory.build.errors import PipelineBuildError
from schemas.check import Checker, CheckOptions
from schemas.findings.codes import Severity

from .built_dags import built_unchecked

STANDARD = "airflow.providers.standard"
_CALLABLE = {"python_callable": {"$object": "os.path.join"}}
_FOLLOWED = {"follow_task_ids_if_true": "last", "follow_task_ids_if_false": "last"}
_DATES = {"target_lower": "2026-01-01", "target_upper": "2026-01-02"}
_OF_SENSORS = (
    "poke_interval",
    "timeout",
    "mode",
    "max_wait",
    "soft_fail",
    "exponential_backoff",
    "silent_fail",
    "never_fail",
)
OPERATORS: Mapping[str, tuple[Mapping[str, Any], tuple[str, ...]]] = {
    "operators.bash.BashOperator": ({"bash_command": "true"}, ("env", "append_env", "skip_on_exit_code", "cwd")),
    "operators.python.PythonOperator": (_CALLABLE, ("op_args", "op_kwargs", "templates_dict", "templates_exts")),
    "operators.python.ShortCircuitOperator": (_CALLABLE, ("ignore_downstream_trigger_rules",)),
    "operators.python.PythonVirtualenvOperator": (
        _CALLABLE,
        ("requirements", "python_version", "serializer", "system_site_packages", "op_args", "index_urls", "env_vars"),
    ),
    "operators.python.ExternalPythonOperator": (_CALLABLE | {"python": "/bin/python3"}, ("serializer", "env_vars")),
    "operators.trigger_dagrun.TriggerDagRunOperator": (
        {"trigger_dag_id": "other"},
        ("conf", "logical_date", "run_after", "reset_dag_run", "poke_interval", "allowed_states", "failed_states"),
    ),
    "operators.weekday.BranchDayOfWeekOperator": (_FOLLOWED | {"week_day": "Monday"}, ("week_day",)),
    "operators.datetime.BranchDateTimeOperator": (_FOLLOWED | _DATES, ("target_lower", "target_upper")),
    "sensors.external_task.ExternalTaskSensor": (
        {"external_dag_id": "other"},
        (
            *("external_task_id", "external_task_ids", "external_task_group_id", "execution_delta", "poll_interval"),
            *("allowed_states", "failed_states", "skipped_states", "check_existence", *_OF_SENSORS),
        ),
    ),
    "sensors.filesystem.FileSensor": ({"filepath": "/tmp/x"}, ("recursive", "deferrable", *_OF_SENSORS)),  # noqa: S108
    "sensors.bash.BashSensor": ({"bash_command": "true"}, ("env", "retry_exit_code", *_OF_SENSORS)),
    "sensors.python.PythonSensor": (_CALLABLE, ("op_args", "op_kwargs", *_OF_SENSORS)),
    "sensors.date_time.DateTimeSensor": ({"target_time": "2026-01-01"}, ("target_time", *_OF_SENSORS)),
    "sensors.time_delta.TimeDeltaSensor": ({"delta": "5m"}, ("delta", *_OF_SENSORS)),
    "operators.hitl.HITLOperator": ({"subject": "ok?", "options": ["a", "b"]}, ("defaults", "multiple")),
    "operators.hitl.ApprovalOperator": ({"subject": "ok?"}, ("defaults", "fail_on_reject")),
    "sensors.external_task.ExternalTaskMarker": (
        {"external_dag_id": "other", "external_task_id": "a"},
        ("recursion_depth",),
    ),
    "sensors.weekday.DayOfWeekSensor": ({"week_day": "Monday"}, ("week_day", *_OF_SENSORS)),
}
"""What each needs, and the arguments that a call may have beside or in place of it."""
VALUES: tuple[Any, ...] = (
    *("text", "success", "sucess", "Monday", "mon", "2026-01-01", "3.10", "5m", "dill", "marshal", "12", "", "poke"),
    *("reschedule", "{{ ds }}", 0, 1, -1, 3.1, True, False, None, [], {}, ["a"], ["success"], ["sucess"], ["skipped"]),
    *([1], ["Monday", "tuesday"], {"a": "b"}, {"success": 1}, ["pandas==2.0"], [["a"]], [{"a": 1}]),
)
LEFT: Mapping[str, str] = {
    "across different Python": "which Python runs the tasks is not known when a file is linted",
}
"""What the build says of calls that lint leaves → why."""


def call(choose: random.Random) -> tuple[str, dict[str, Any]]:
    name = choose.choice(tuple(OPERATORS))
    needed, others = OPERATORS[name]
    some = choose.sample(others, min(len(others), choose.choice((1, 1, 1, 2))))
    return f"{STANDARD}.{name}", {**needed, **{argument: choose.choice(VALUES) for argument in some}}


def compared(seed: int, number: int) -> int:
    """How many of the calls are refused; lint reads all of them at once."""
    choose = random.Random(seed)  # noqa: S311 # the same calls in each run
    calls = [call(choose) for _ in range(number)]
    tasks = [{"id": f"a{index}", "uses": uses, "with": given} for index, (uses, given) in enumerate(calls)]
    last = {"id": "last", "uses": "empty", "needs": [task["id"] for task in tasks]}
    result = Checker(Path("/no/such/folder"), CheckOptions(environ={})).text(
        json.dumps({"tasks": [*tasks, last]}), "orders.yaml"
    )
    red = {d.path[1] for d in result.diagnostics if d.severity is Severity.ERROR and d.path}
    wrong, refused = [], 0
    for index, (uses, given) in enumerate(calls):
        try:
            built_unchecked(json.dumps({"tasks": [{"id": "a", "uses": uses, "with": given}]}))
            said = ""
        except PipelineBuildError as error:
            said = str(error)
        refused += bool(said)
        if (index in red) is not bool(said) and not any(known in said for known in LEFT):
            found = [d.message for d in result.diagnostics if d.path[:2] == ("tasks", index)]
            wrong.append(f"{uses} {given}: the build says {said!r}, lint {found}")
    assert not wrong, "\n".join(wrong)
    return refused


def test_lint_refuses_what_operators_refuse_and_nothing_else() -> None:
    assert 50 < compared(15, 220) < 170


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(16, 36))
def test_many_more_calls(seed: int) -> None:
    assert compared(seed, 250) > 50
