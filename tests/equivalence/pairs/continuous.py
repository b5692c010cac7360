import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG(
    dag_id="continuous",
    schedule="@continuous",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    fail_fast=True,
    is_paused_upon_creation=True,
):
    EmptyOperator(task_id="work", depends_on_past=True, ignore_first_depends_on_past=True)
