"""The operators behind the built-ins for other DAGs: Airflow's own, with `trigger_dag` rendering `run_after`, too, and
`wait_dag` looking before it defers.

Airflow reads the other DAG's id also where it stores a DAG, to show which DAG depends on which: there another task's
output is its text, and it is put back where the id is rendered.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators import trigger_dagrun
from airflow.providers.standard.sensors import external_task
from airflow.sdk import Context
from airflow.sdk.definitions._internal.types import NOTSET
from airflow.sdk.exceptions import AirflowException, AirflowSkipException


class ExternalTaskSensor(external_task.ExternalTaskSensor):
    """Does not defer for a run that has ended already: a trigger that fires at once may be back before Airflow's
    executor has told the scheduler that the task's first process has ended, and the scheduler then fails the task."""

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
