"""The operators behind the built-ins for other DAGs: Airflow's own, with `trigger_dag` rendering `run_after`, too, and
`wait_dag` looking before it defers."""

from __future__ import annotations

from airflow.providers.standard.operators import trigger_dagrun
from airflow.providers.standard.sensors import external_task
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException, AirflowSkipException


class ExternalTaskSensor(external_task.ExternalTaskSensor):
    """Does not defer for a run that has ended already: a trigger that fires at once may be back before Airflow's
    executor has told the scheduler that the task's first process has ended, and the scheduler then fails the task."""

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
    """Airflow's own reads a template in `run_after` as a date, and fails."""

    template_fields = (*trigger_dagrun.TriggerDagRunOperator.template_fields, "run_after")
