from datetime import timedelta

import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.sensors.external_task import ExternalTaskMarker, ExternalTaskSensor
from airflow.sdk import DAG

with DAG(
    dag_id="external_task",
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    schedule="@daily",
    catchup=False,
    tags=["example"],
) as dag:
    task = ExternalTaskSensor(
        task_id="task",
        external_dag_id="parent",
        external_task_id="load",
        execution_delta=timedelta(days=1),
        timeout=600,
        allowed_states=["success"],
        failed_states=["failed", "skipped"],
        deferrable=True,
    )
    group = ExternalTaskSensor(
        task_id="group",
        external_dag_id="parent",
        external_task_group_id="section_1",
        timeout=600,
        mode="reschedule",
        poke_interval=30,
    )
    marker = ExternalTaskMarker(task_id="marker", external_dag_id="child", external_task_id="first")
    [task, group] >> EmptyOperator(task_id="end") >> marker
