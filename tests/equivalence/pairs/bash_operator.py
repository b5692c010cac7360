import datetime

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG(
    dag_id="bash_operator",
    schedule="0 0 * * *",
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    catchup=False,
    dagrun_timeout=datetime.timedelta(minutes=60),
    tags=["example", "example2"],
    params={"example_key": "example_value"},
) as dag:
    last = EmptyOperator(task_id="last")
    after_loop = BashOperator(task_id="after_loop", bash_command="echo https://airflow.apache.org/")
    after_loop >> last
    for i in range(3):
        task = BashOperator(task_id=f"run_{i}", bash_command='echo "{{ task_instance_key_str }}" && sleep 1')
        task >> after_loop
    also = BashOperator(task_id="also", bash_command="echo $KEY", env={"KEY": "{{ ti.task_id }}"}, append_env=True)
    also >> last

skips = BashOperator(task_id="skips", bash_command='echo "hello world"; exit 99;', dag=dag)
skips >> last
