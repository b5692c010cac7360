import json

import pendulum
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG


def extract(**kwargs):
    kwargs["ti"].xcom_push("orders", json.dumps({"1001": 301.27, "1002": 433.21}))


def transform(**kwargs):
    orders = json.loads(kwargs["ti"].xcom_pull(task_ids="extract", key="orders"))
    kwargs["ti"].xcom_push("total", sum(orders.values()))


def load(**kwargs):
    print(kwargs["ti"].xcom_pull(task_ids="transform", key="total"))


with DAG(
    "tutorial_dag",
    default_args={"retries": 2},
    description="Extract, transform and load with PythonOperators",
    schedule=None,
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example"],
) as dag:
    dag.doc_md = "Three functions that hand values on."
    extract_task = PythonOperator(task_id="extract", python_callable=extract)
    extract_task.doc_md = "Gets the orders."
    transform_task = PythonOperator(task_id="transform", python_callable=transform)
    load_task = PythonOperator(task_id="load", python_callable=load)
    extract_task >> transform_task >> load_task
