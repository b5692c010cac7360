"""The built-ins: what a `uses` without a dot can name.

Each has a task model derived from `schemas.model.task_base.TaskBase`, in a file with those of its kind, and
`factory.build.built_ins` has a row that says how it is built. A file is imported when a pipeline uses a task of it.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.model.task_base import TaskBase

BUILT_INS: Mapping[str, str] = MappingProxyType(
    {
        "http": "http.HttpTask",
        "bash": "built_ins.messages.BashTask",
        "empty": "built_ins.flow.EmptyTask",
        "branch": "built_ins.flow.BranchTask",
        "short_circuit": "built_ins.flow.ShortCircuitTask",
        "latest_only": "built_ins.flow.LatestOnlyTask",
        "wait_file": "built_ins.waits.WaitFileTask",
        "wait_http": "built_ins.waits.WaitHttpTask",
        "wait_sql": "built_ins.waits.WaitSqlTask",
        "wait_until": "built_ins.waits.WaitUntilTask",
        "wait_dag": "built_ins.waits.WaitDagTask",
        "trigger_dag": "built_ins.flow.TriggerDagTask",
        "email": "built_ins.messages.EmailTask",
        "sql": "built_ins.tables.SqlTask",
        "load": "built_ins.tables.LoadTask",
        "duckdb": "built_ins.tables.DuckdbTask",
        "check": "built_ins.tables.CheckTask",
        "chart": "built_ins.models.ChartTask",
        "train": "built_ins.models.TrainTask",
        "predict": "built_ins.models.PredictTask",
    }
)
"""Name → module below `schemas.model` and class in it, in the order in which people read them."""


@cache
def built_in(name: str) -> type[TaskBase]:
    """The model of a task that uses a built-in."""
    module, _, task = BUILT_INS[name].rpartition(".")
    model: type[TaskBase] = getattr(importlib.import_module(f"schemas.model.{module}"), task)
    return model


_DATABASE = "use `sql` with the `conn_id` of a connection"
_OPERATOR = "use the operator's dotted path, such as `{}`"
_OTHER_WORDS = {
    "a function is named itself: `module.function`": "python",
    _DATABASE: "postgres postgresql pg mysql sqlite snowflake bigquery redshift query database mssql oracle "
    "trino clickhouse",
    _OPERATOR.format("airflow.providers.amazon.aws.operators.s3.S3CopyObjectOperator"): "s3",
    _OPERATOR.format("airflow.providers.google.cloud.transfers.gcs_to_gcs.GCSToGCSOperator"): "gcs",
    _OPERATOR.format("airflow.providers.docker.operators.docker.DockerOperator"): "docker",
    _OPERATOR.format(
        "airflow.providers.cncf.kubernetes.operators.pod.KubernetesPodOperator"
    ): "kubernetes kubernetespod pod k8s",
    _OPERATOR.format("airflow.providers.apache.spark.operators.spark_submit.SparkSubmitOperator"): "spark sparksubmit",
    _OPERATOR.format("airflow.providers.ssh.operators.ssh.SSHOperator"): "ssh",
    'use `bash` with `bash_command: "dbt build"`': "dbt",
    "use `bash` with `bash_command`": "shell sh script command",
    "to tell somebody of a failure, write `notifications`": "slack teams notify",
    "use `wait_file`, `wait_http`, `wait_sql`, `wait_until` or `wait_dag`": "sensor wait",
    "use `wait_until`": "sleep delay datetimesensor timesensor timedeltasensor",
    "use `wait_file`": "filesensor",
    "use `wait_http`": "httpsensor",
    "use `wait_sql`": "sqlsensor",
    "use `wait_dag`": "externaltask externaltasksensor",
    "use `trigger_dag`": "triggerdagrun",
    "use `branch`": "branchpython",
    "use `sql`": "sqlexecutequery commonsql",
    "use `email`": "mail smtp",
    "use `empty`": "dummy noop nothing",
    "use `http`, or `poll` at the top of the file": "curl request requests rest api get post webhook "
    "simplehttp poll download",
    "an entry with `tasks` of its own is a group": "group taskgroup",
}
INSTEAD: Mapping[str, str] = MappingProxyType(
    {word: instead for instead, words in _OTHER_WORDS.items() for word in words.split()}
)
"""Words that people write in `uses`, in lower case without `_` and `Operator`, → what to write."""
