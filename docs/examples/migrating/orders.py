from datetime import datetime, timedelta

import shop
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, CronTriggerTimetable

with DAG(
    dag_id="orders",
    description="Add up the day's orders.",
    schedule=CronTriggerTimetable("0 6 * * 1-5", timezone="UTC"),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    is_paused_upon_creation=False,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
):
    extract = PythonOperator(task_id="extract", python_callable=shop.extract, op_kwargs={"day": "{{ ds }}"})
    total = PythonOperator(task_id="total", python_callable=shop.total, op_kwargs={"prices": extract.output})
    say = BashOperator(task_id="say", bash_command="echo sold for $TOTAL", env={"TOTAL": total.output})
