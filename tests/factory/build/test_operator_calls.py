"""Lint and the constructors of Airflow's operators over generated calls: what one refuses the other refuses."""

from __future__ import annotations

import calendar
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

PROVIDERS = "airflow.providers"
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
    "standard.operators.bash.BashOperator": (
        {"bash_command": "true"},
        ("env", "append_env", "skip_on_exit_code", "cwd"),
    ),
    "standard.operators.python.PythonOperator": (
        _CALLABLE,
        ("op_args", "op_kwargs", "templates_dict", "templates_exts"),
    ),
    "standard.operators.python.ShortCircuitOperator": (_CALLABLE, ("ignore_downstream_trigger_rules",)),
    "standard.operators.python.PythonVirtualenvOperator": (
        _CALLABLE,
        ("requirements", "python_version", "serializer", "system_site_packages", "op_args", "index_urls", "env_vars"),
    ),
    "standard.operators.python.ExternalPythonOperator": (
        _CALLABLE | {"python": "/bin/python3"},
        ("serializer", "env_vars"),
    ),
    "standard.operators.trigger_dagrun.TriggerDagRunOperator": (
        {"trigger_dag_id": "other"},
        ("conf", "logical_date", "run_after", "reset_dag_run", "poke_interval", "allowed_states", "failed_states"),
    ),
    "standard.operators.weekday.BranchDayOfWeekOperator": (_FOLLOWED | {"week_day": "Monday"}, ("week_day",)),
    "standard.operators.datetime.BranchDateTimeOperator": (_FOLLOWED | _DATES, ("target_lower", "target_upper")),
    "standard.sensors.external_task.ExternalTaskSensor": (
        {"external_dag_id": "other"},
        (
            *("external_task_id", "external_task_ids", "external_task_group_id", "execution_delta", "poll_interval"),
            *("allowed_states", "failed_states", "skipped_states", "check_existence", *_OF_SENSORS),
        ),
    ),
    "standard.sensors.filesystem.FileSensor": ({"filepath": "/tmp/x"}, ("recursive", "deferrable", *_OF_SENSORS)),  # noqa: S108
    "standard.sensors.bash.BashSensor": ({"bash_command": "true"}, ("env", "retry_exit_code", *_OF_SENSORS)),
    "standard.sensors.python.PythonSensor": (_CALLABLE, ("op_args", "op_kwargs", *_OF_SENSORS)),
    "standard.sensors.date_time.DateTimeSensor": ({"target_time": "2026-01-01"}, ("target_time", *_OF_SENSORS)),
    "standard.sensors.time_delta.TimeDeltaSensor": ({"delta": "5m"}, ("delta", *_OF_SENSORS)),
    "standard.operators.hitl.HITLOperator": ({"subject": "ok?", "options": ["a", "b"]}, ("defaults", "multiple")),
    "standard.operators.hitl.ApprovalOperator": ({"subject": "ok?"}, ("defaults", "fail_on_reject")),
    "standard.sensors.external_task.ExternalTaskMarker": (
        {"external_dag_id": "other", "external_task_id": "a"},
        ("recursion_depth",),
    ),
    "standard.sensors.weekday.DayOfWeekSensor": ({"week_day": "Monday"}, ("week_day", *_OF_SENSORS)),
    "common.sql.operators.sql.SQLColumnCheckOperator": (
        {"table": "t", "column_mapping": {"a": {"min": {"geq_to": 1}}}},
        ("column_mapping", "partition_clause", "database", "accept_none"),
    ),
    "common.sql.operators.sql.SQLTableCheckOperator": (
        {"table": "t", "checks": {"a": {"check_statement": "b > 1"}}},
        ("checks", "partition_clause", "conn_id"),
    ),
    "common.sql.operators.sql.SQLIntervalCheckOperator": (
        {"table": "t", "metrics_thresholds": {"count(*)": 2}},
        ("days_back", "ratio_formula", "ignore_zero", "date_filter_column"),
    ),
    "http.sensors.http.HttpSensor": ({"endpoint": "/x"}, ("method", "headers", "deferrable", *_OF_SENSORS)),
    "http.operators.http.HttpOperator": ({"endpoint": "/x"}, ("method", "data", "headers", "log_response")),
    "smtp.operators.smtp.EmailOperator": ({"to": "a@b.c", "subject": "s", "html_content": "x"}, ("files", "cc", "to")),
    "amazon.aws.operators.rds.RdsDeleteDbSnapshotOperator": (
        {"db_type": "instance", "db_snapshot_identifier": "a"},
        ("db_type", "wait_for_completion", "waiter_delay"),
    ),
    "amazon.aws.sensors.ec2.EC2InstanceStateSensor": (
        {"target_state": "running", "instance_id": "a"},
        ("target_state", "instance_id", *_OF_SENSORS),
    ),
    "amazon.aws.operators.s3.S3DeleteObjectsOperator": (
        {"bucket": "a"},
        ("keys", "prefix", "from_datetime", "to_datetime", "verify"),
    ),
    "amazon.aws.operators.emr.EmrAddStepsOperator": (
        {"steps": []},
        ("job_flow_id", "job_flow_name", "wait_for_completion"),
    ),
    "amazon.aws.operators.dms.DmsModifyTaskOperator": (
        {"replication_task_arn": "a"},
        ("cdc_start_time", "cdc_start_position", "migration_type"),
    ),
    "amazon.aws.operators.sagemaker.SageMakerConditionOperator": (
        {"if_task_ids": "last"},
        ("condition_type", "conditions", "left_value", "right_value", "else_task_ids"),
    ),
    "amazon.aws.operators.sagemaker.SageMakerTrainingOperator": ({"config": {}}, ("action_if_job_exists",)),
    "slack.transfers.sql_to_slack_webhook.SqlToSlackWebhookOperator": (
        {"sql": "select 1", "sql_conn_id": "a", "slack_message": "b"},
        ("slack_webhook_conn_id", "slack_channel"),
    ),
    "amazon.aws.sensors.s3.S3KeysUnchangedSensor": (
        {"bucket_name": "a", "prefix": "b"},
        ("inactivity_period", "min_objects", "previous_objects"),
    ),
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
FAILS_LATER: Mapping[str, str] = {
    "`env` of BashOperator": "the constructor takes it, and the command cannot be started",
    " is a date": "the constructor takes a number in place of a moment, and the task fails with it",
}
"""What lint says of calls that the build leaves → why."""


def call(choose: random.Random) -> tuple[str, dict[str, Any]]:
    name = choose.choice(tuple(OPERATORS))
    needed, others = OPERATORS[name]
    some = choose.sample(others, min(len(others), choose.choice((1, 1, 1, 2))))
    return f"{PROVIDERS}.{name}", {**needed, **{argument: choose.choice(VALUES) for argument in some}}


def _fails_later(message: str) -> bool:
    return any(known in message for known in FAILS_LATER)


WORDS: tuple[tuple[str, Mapping[str, Any], str, tuple[str, ...]], ...] = (
    ("standard.sensors.weekday.DayOfWeekSensor", {}, "week_day", tuple(calendar.day_name)),
    ("standard.sensors.python.PythonSensor", _CALLABLE, "mode", ("poke", "reschedule")),
    (
        "standard.operators.python.ExternalPythonOperator",
        _CALLABLE | {"python": "/bin/python3"},
        "serializer",
        ("pickle",),
    ),
)
"""Words that lint has in a list, each of which is tried."""


def every_word() -> list[tuple[str, dict[str, Any]]]:
    return [(f"{PROVIDERS}.{name}", {**needed, key: word}) for name, needed, key, words in WORDS for word in words]


def compared(seed: int, number: int) -> int:
    """How many of the calls are refused; lint reads all of them at once."""
    choose = random.Random(seed)  # noqa: S311 # the same calls in each run
    calls = [*every_word(), *(call(choose) for _ in range(number))]
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
        found = [d.message for d in result.diagnostics if d.path[:2] == ("tasks", index)]
        errors = [
            d.message for d in result.diagnostics if d.path[:2] == ("tasks", index) and d.severity is Severity.ERROR
        ]
        # Every message counts: one that is known hides no other.
        is_known = any(known in said for known in LEFT) if said else all(_fails_later(one) for one in errors)
        if (index in red) is not bool(said) and not is_known:
            wrong.append(f"{uses} {given}: the build says {said!r}, lint {found}")
    assert not wrong, "\n".join(wrong)
    return refused


def test_lint_refuses_what_operators_refuse_and_nothing_else() -> None:
    assert 50 < compared(15, 220) < 170


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(16, 36))
def test_many_more_calls(seed: int) -> None:
    assert compared(seed, 250) > 50
