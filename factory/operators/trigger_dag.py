"""The operator behind the built-in `trigger_dag`: Airflow's own, which here renders `run_after`, too."""

from __future__ import annotations

from airflow.providers.standard.operators import trigger_dagrun


class TriggerDagRunOperator(trigger_dagrun.TriggerDagRunOperator):
    """Airflow's own reads a template in `run_after` as a date, and fails."""

    template_fields = (*trigger_dagrun.TriggerDagRunOperator.template_fields, "run_after")
