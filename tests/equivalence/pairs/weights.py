import datetime

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG(
    dag_id="weights",
    schedule="0 0 * * *",
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    end_date=pendulum.datetime(2031, 1, 1, tz="UTC"),
    catchup=True,
    max_active_runs=1,
    max_active_tasks=4,
    max_consecutive_failed_dag_runs=3,
    dagrun_timeout=datetime.timedelta(minutes=60),
    tags=["example"],
) as dag:
    start = EmptyOperator(task_id="start", wait_for_downstream=True)
    one = BashOperator(task_id="one", bash_command="echo 1", weight_rule="absolute", priority_weight=2)
    two = BashOperator(task_id="two", bash_command="echo 1", weight_rule="upstream", max_active_tis_per_dag=1)
    three = BashOperator(
        task_id="three",
        bash_command="echo 1",
        execution_timeout=datetime.timedelta(seconds=90),
        retry_delay=datetime.timedelta(seconds=10),
        max_retry_delay=datetime.timedelta(hours=1),
        retries=2,
        run_as_user="nobody",
    )
    start >> [one, two, three]
