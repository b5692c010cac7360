"""The operators behind the built-ins that wait, and `trigger_dag`, which can: Airflow's own, which here do not defer
for what is over already, with `trigger_dag` rendering `run_after`, too.

A trigger that fires at once may be back before Airflow's executor has told the scheduler that the task's first process
has ended; the scheduler then takes that end for the task's own and fails it. Airflow's own defer in any case, and those
for a moment without the sensor's `timeout`.

Airflow reads another DAG's id also where it stores a DAG, to show which DAG depends on which: there another task's
output is its text, and it is put back where the id is rendered.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from airflow.providers.standard.operators import trigger_dagrun
from airflow.providers.standard.sensors import date_time, external_task, filesystem, time
from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import BaseSensorOperator, Context
from airflow.sdk.definitions._internal.types import NOTSET
from airflow.sdk.exceptions import AirflowException, AirflowSkipException


class DateTimeSensor(date_time.DateTimeSensor):
    """Waits for a date with a time, in the triggerer where it is `deferrable`."""

    def __init__(self, *, deferrable: bool = False, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.deferrable = deferrable

    def execute(self, context: Context) -> Any:
        """Raises TaskDeferred where the moment is to come."""
        if not self.deferrable:
            return super().execute(context)
        if not self.poke(context):
            _defer(self, self._moment)
        return None

    def execute_complete(self, context: Context, event: Any = None) -> None:
        """The moment has come."""


class TimeSensor(time.TimeSensor):
    """Waits for a time of the day."""

    def execute(self, context: Context) -> None:
        """Raises TaskDeferred where the time is to come."""
        if not self.deferrable:
            super().execute(context)
        elif not self.poke(context):
            _defer(self, self.target_datetime)


def _defer(sensor: BaseSensorOperator, moment: datetime) -> None:
    timeout = timedelta(seconds=sensor.timeout)
    sensor.defer(trigger=DateTimeTrigger(moment=moment), method_name="execute_complete", timeout=timeout)


class FileSensor(filesystem.FileSensor):
    """Waits for a file. Without `fs_conn_id` the path is what is written; Airflow's own asks for a connection then."""

    def __init__(self, *, fs_conn_id: str | None = None, **arguments: Any) -> None:
        super().__init__(fs_conn_id=fs_conn_id, **arguments)

    @cached_property
    def path(self) -> str:
        """The file that is waited for."""
        return str(self.filepath if self.fs_conn_id is None else super().path)


class ExternalTaskSensor(external_task.ExternalTaskSensor):
    """Waits for another DAG; it does not defer for a run that has ended already."""

    def __init__(self, *, external_dag_id: Any, **arguments: Any) -> None:
        super().__init__(external_dag_id=str(external_dag_id), **arguments)
        self._other_dag = external_dag_id

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """As Airflow's, with the id that is known now."""
        self.external_dag_id = self._other_dag
        super().render_template_fields(context, jinja_env)

    def execute(self, context: Context) -> None:
        """Raises TaskDeferred where the other DAG is to be waited for."""
        if not self.deferrable or not self._is_over(context):
            super().execute(context)

    def _is_over(self, context: Context) -> bool:
        try:
            return self.poke(context)
        except AirflowException as error:
            # As after a deferral (`BaseSensorOperator.resume_execution`).
            if self.never_fail:
                raise AirflowSkipException("Skipped, as `never_fail` says") from error
            raise


class TriggerDagRunOperator(trigger_dagrun.TriggerDagRunOperator):
    """Airflow's own reads a template in `run_after` as a date, and fails; it refuses another task's output."""

    template_fields = (*trigger_dagrun.TriggerDagRunOperator.template_fields, "run_after")

    def __init__(self, *, trigger_dag_id: Any, run_after: Any = NOTSET, **arguments: Any) -> None:
        super().__init__(trigger_dag_id=str(trigger_dag_id), **arguments)
        self.run_after = run_after
        self._other_dag = trigger_dag_id

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """As Airflow's, with the id that is known now."""
        self.trigger_dag_id = self._other_dag
        super().render_template_fields(context, jinja_env)
