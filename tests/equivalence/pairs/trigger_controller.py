import pendulum
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG

with DAG(
    dag_id="trigger_controller",
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    catchup=False,
    schedule="@once",
    tags=["example"],
) as dag:
    TriggerDagRunOperator(
        task_id="trigger",
        trigger_dag_id="trigger_target",
        conf={"message": "Hello World"},
        wait_for_completion=True,
        deferrable=True,
        poke_interval=30,
    )
