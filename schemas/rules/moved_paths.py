"""Dotted paths of Airflow 2: what has moved, and where to."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from schemas.source import Class, Function, NotInstalled, Result

_OPERATORS = "airflow.providers.standard.operators"
_SENSORS = "airflow.providers.standard.sensors"
_SQL = "airflow.providers.common.sql.operators.sql.SQLExecuteQueryOperator"
_SQL_SENSOR = "airflow.providers.common.sql.sensors.sql.SqlSensor"
_HTTP = "airflow.providers.http.operators.http.HttpOperator"
_POD = "airflow.providers.cncf.kubernetes.operators.pod.KubernetesPodOperator"
_EMAIL = "airflow.providers.smtp.operators.smtp.EmailOperator"
_RENAMED: Mapping[str, str] = MappingProxyType(
    {
        "airflow.operators.bash_operator.BashOperator": f"{_OPERATORS}.bash.BashOperator",
        "airflow.operators.branch_operator.BaseBranchOperator": f"{_OPERATORS}.branch.BaseBranchOperator",
        "airflow.operators.dagrun_operator.TriggerDagRunOperator": f"{_OPERATORS}.trigger_dagrun.TriggerDagRunOperator",
        "airflow.operators.dummy.DummyOperator": f"{_OPERATORS}.empty.EmptyOperator",
        "airflow.operators.dummy_operator.DummyOperator": f"{_OPERATORS}.empty.EmptyOperator",
        "airflow.operators.email_operator.EmailOperator": _EMAIL,
        "airflow.operators.email.EmailOperator": _EMAIL,
        "airflow.operators.http_operator.SimpleHttpOperator": _HTTP,
        "airflow.operators.latest_only_operator.LatestOnlyOperator": f"{_OPERATORS}.latest_only.LatestOnlyOperator",
        "airflow.operators.mysql_operator.MySqlOperator": _SQL,
        "airflow.operators.postgres_operator.PostgresOperator": _SQL,
        "airflow.operators.python_operator.BranchPythonOperator": f"{_OPERATORS}.python.BranchPythonOperator",
        "airflow.operators.python_operator.PythonOperator": f"{_OPERATORS}.python.PythonOperator",
        "airflow.operators.python_operator.ShortCircuitOperator": f"{_OPERATORS}.python.ShortCircuitOperator",
        "airflow.operators.sqlite_operator.SqliteOperator": _SQL,
        "airflow.providers.cncf.kubernetes.operators.kubernetes_pod.KubernetesPodOperator": _POD,
        "airflow.contrib.operators.kubernetes_pod_operator.KubernetesPodOperator": _POD,
        "airflow.datasets.Dataset": "airflow.sdk.Asset",
        "airflow.providers.http.operators.http.SimpleHttpOperator": _HTTP,
        "airflow.providers.mysql.operators.mysql.MySqlOperator": _SQL,
        "airflow.providers.postgres.operators.postgres.PostgresOperator": _SQL,
        "airflow.providers.sqlite.operators.sqlite.SqliteOperator": _SQL,
        "airflow.sensors.external_task_sensor.ExternalTaskSensor": f"{_SENSORS}.external_task.ExternalTaskSensor",
        "airflow.sensors.file_sensor.FileSensor": f"{_SENSORS}.filesystem.FileSensor",
        "airflow.sensors.http_sensor.HttpSensor": "airflow.providers.http.sensors.http.HttpSensor",
        "airflow.sensors.sql.SqlSensor": _SQL_SENSOR,
        "airflow.sensors.sql_sensor.SqlSensor": _SQL_SENSOR,
        "airflow.sensors.time_delta_sensor.TimeDeltaSensor": f"{_SENSORS}.time_delta.TimeDeltaSensor",
    }
)
"""Paths that Airflow 3 removed (its upgrade guide, and the providers' change logs)."""

_KEPT_OPERATORS = ("bash", "datetime", "empty", "latest_only", "python", "smooth", "trigger_dagrun", "weekday")
_KEPT_SENSORS = ("bash", "date_time", "external_task", "filesystem", "python", "time_delta", "weekday")
KEPT_MODULES: Mapping[str, str] = MappingProxyType(
    {
        **{f"airflow.operators.{name}": f"{_OPERATORS}.{name}" for name in _KEPT_OPERATORS},
        **{f"airflow.sensors.{name}": f"{_SENSORS}.{name}" for name in _KEPT_SENSORS},
        "airflow.operators.generic_transfer": "airflow.providers.common.sql.operators.generic_transfer",
        "airflow.sensors.time_sensor": f"{_SENSORS}.time",
    }
)
"""Modules that Airflow 3 keeps for a while, for where Airflow is not installed. A test compares them with Airflow's."""

_SHIMS = ("airflow.operators.", "airflow.sensors.", "airflow.models.", "airflow.hooks.")


def place_of(name: str) -> str | None:
    """Where an operator or a sensor is that is named without its module; None for those that never moved."""
    for old, new in _RENAMED.items():
        if name in (new.rpartition(".")[2], old.rpartition(".")[2]):
            return new
    return None


def moved_to(dotted: str, found: Result) -> str | None:
    """Where a path of Airflow 2 has moved to; None for one that has not.

    `found` is what the reader says of it. Through the names that Airflow 3 keeps for a while it finds the new place;
    where Airflow is not installed, a table says so.
    """
    if dotted in _RENAMED:
        return _RENAMED[dotted]
    if isinstance(found, Class | Function):
        return found.path if found.path != dotted and dotted.startswith(_SHIMS) else None
    if isinstance(found, NotInstalled) and found.module == "airflow":
        module, _, name = dotted.rpartition(".")
        if module in KEPT_MODULES and name.endswith(("Operator", "Sensor", "Async")):
            return f"{KEPT_MODULES[module]}.{name}"
    return None
