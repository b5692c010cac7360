import random

import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import BranchPythonOperator, PythonOperator
from airflow.sdk import DAG, TriggerRule


def pick():
    return f"branch_{random.choice('abcd')}"


def hello():
    print("hello")


with DAG(
    dag_id="branch_operator",
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    catchup=False,
    schedule="@daily",
    tags=["example", "example2"],
) as dag:
    first = EmptyOperator(task_id="first")
    branching = BranchPythonOperator(task_id="branching", python_callable=pick)
    join = EmptyOperator(task_id="join", trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)
    first >> branching
    for option in "abcd":
        one = PythonOperator(task_id=f"branch_{option}", python_callable=hello)
        follow = EmptyOperator(task_id=f"follow_{option}")
        branching >> one >> follow >> join
