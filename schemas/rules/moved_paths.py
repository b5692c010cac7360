"""Dotted paths of Airflow 2: what has moved, and where to."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.problem import Word
from schemas.rules.subject import Subject

_STANDARD = "airflow.providers.standard"
_RENAMED: Mapping[str, str] = MappingProxyType(
    {
        "airflow.operators.bash_operator.BashOperator": f"{_STANDARD}.operators.bash.BashOperator",
        "airflow.operators.branch_operator.BaseBranchOperator": f"{_STANDARD}.operators.branch.BaseBranchOperator",
        "airflow.operators.dagrun_operator.TriggerDagRunOperator": (
            f"{_STANDARD}.operators.trigger_dagrun.TriggerDagRunOperator"
        ),
        "airflow.operators.dummy.DummyOperator": f"{_STANDARD}.operators.empty.EmptyOperator",
        "airflow.operators.dummy_operator.DummyOperator": f"{_STANDARD}.operators.empty.EmptyOperator",
        "airflow.operators.email_operator.EmailOperator": "airflow.providers.smtp.operators.smtp.EmailOperator",
        "airflow.operators.email.EmailOperator": "airflow.providers.smtp.operators.smtp.EmailOperator",
        "airflow.operators.http_operator.SimpleHttpOperator": "airflow.providers.http.operators.http.HttpOperator",
        "airflow.operators.latest_only_operator.LatestOnlyOperator": (
            f"{_STANDARD}.operators.latest_only.LatestOnlyOperator"
        ),
        "airflow.operators.mysql_operator.MySqlOperator": (
            "airflow.providers.common.sql.operators.sql.SQLExecuteQueryOperator"
        ),
        "airflow.operators.postgres_operator.PostgresOperator": (
            "airflow.providers.common.sql.operators.sql.SQLExecuteQueryOperator"
        ),
        "airflow.operators.python_operator.BranchPythonOperator": f"{_STANDARD}.operators.python.BranchPythonOperator",
        "airflow.operators.python_operator.PythonOperator": f"{_STANDARD}.operators.python.PythonOperator",
        "airflow.operators.python_operator.ShortCircuitOperator": f"{_STANDARD}.operators.python.ShortCircuitOperator",
        "airflow.operators.sqlite_operator.SqliteOperator": (
            "airflow.providers.common.sql.operators.sql.SQLExecuteQueryOperator"
        ),
        "airflow.providers.http.operators.http.SimpleHttpOperator": (
            "airflow.providers.http.operators.http.HttpOperator"
        ),
        "airflow.providers.mysql.operators.mysql.MySqlOperator": (
            "airflow.providers.common.sql.operators.sql.SQLExecuteQueryOperator"
        ),
        "airflow.providers.postgres.operators.postgres.PostgresOperator": (
            "airflow.providers.common.sql.operators.sql.SQLExecuteQueryOperator"
        ),
        "airflow.providers.sqlite.operators.sqlite.SqliteOperator": (
            "airflow.providers.common.sql.operators.sql.SQLExecuteQueryOperator"
        ),
        "airflow.sensors.external_task_sensor.ExternalTaskSensor": (
            f"{_STANDARD}.sensors.external_task.ExternalTaskSensor"
        ),
        "airflow.sensors.file_sensor.FileSensor": f"{_STANDARD}.sensors.filesystem.FileSensor",
        "airflow.sensors.http_sensor.HttpSensor": "airflow.providers.http.sensors.http.HttpSensor",
        "airflow.sensors.sql.SqlSensor": "airflow.providers.common.sql.sensors.sql.SqlSensor",
        "airflow.sensors.sql_sensor.SqlSensor": "airflow.providers.common.sql.sensors.sql.SqlSensor",
        "airflow.sensors.time_delta_sensor.TimeDeltaSensor": f"{_STANDARD}.sensors.time_delta.TimeDeltaSensor",
    }
)
"""Paths that Airflow 3 does not have any more (its upgrade guide, and the providers' change logs)."""

KEPT: Mapping[str, str] = MappingProxyType(
    {
        "airflow.operators.bash": f"{_STANDARD}.operators.bash",
        "airflow.operators.datetime": f"{_STANDARD}.operators.datetime",
        "airflow.operators.empty": f"{_STANDARD}.operators.empty",
        "airflow.operators.generic_transfer": "airflow.providers.common.sql.operators.generic_transfer",
        "airflow.operators.latest_only": f"{_STANDARD}.operators.latest_only",
        "airflow.operators.python": f"{_STANDARD}.operators.python",
        "airflow.operators.smooth": f"{_STANDARD}.operators.smooth",
        "airflow.operators.trigger_dagrun": f"{_STANDARD}.operators.trigger_dagrun",
        "airflow.operators.weekday": f"{_STANDARD}.operators.weekday",
        "airflow.sensors.bash": f"{_STANDARD}.sensors.bash",
        "airflow.sensors.date_time": f"{_STANDARD}.sensors.date_time",
        "airflow.sensors.external_task": f"{_STANDARD}.sensors.external_task",
        "airflow.sensors.filesystem": f"{_STANDARD}.sensors.filesystem",
        "airflow.sensors.python": f"{_STANDARD}.sensors.python",
        "airflow.sensors.time_delta": f"{_STANDARD}.sensors.time_delta",
        "airflow.sensors.time_sensor": f"{_STANDARD}.sensors.time",
        "airflow.sensors.weekday": f"{_STANDARD}.sensors.weekday",
    }
)
"""Modules that Airflow 3 keeps for a while, for where Airflow is not installed. A test holds them against Airflow's."""

_SHIMS = ("airflow.operators.", "airflow.sensors.", "airflow.models.", "airflow.hooks.")


def place_of(name: str) -> str | None:
    """Where an operator or a sensor is that is named without its module; None for those that never moved."""
    for old, new in _RENAMED.items():
        if name in (new.rpartition(".")[2], old.rpartition(".")[2]):
            return new
    return None


def moved_to(uses: str, found_path: str | None) -> str | None:
    """Where a path of Airflow 2 has gone; None for one that stands.

    `found_path` is where the reader found it, through the names that Airflow 3 keeps for a while; None where it
    found nothing.
    """
    if uses in _RENAMED:
        return _RENAMED[uses]
    if found_path is not None and found_path != uses and uses.startswith(_SHIMS):
        return found_path
    return None


def moved_unseen(uses: str) -> str | None:
    """The same, for a path that Airflow 3 keeps, where Airflow is not installed to say so."""
    module, _, name = uses.rpartition(".")
    return f"{KEPT[module]}.{name}" if module in KEPT and name.endswith(("Operator", "Sensor", "Async")) else None


def moved(subject: Subject, path: DataPath, new: str, *, still_there: bool) -> Diagnostic:
    """The finding for a path of Airflow 2 that is `new` now."""
    return subject.finding(
        Code.MOVED_PATH,
        path,
        "this is its place in Airflow 2" + ("; Airflow 3 keeps it for a while" if still_there else ""),
        caret=f"it is `{new}` now",
        fix=Word(new),
        severity=Severity.WARNING if still_there else Severity.ERROR,
    )
