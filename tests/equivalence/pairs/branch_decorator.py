import random

import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task

with DAG(
    dag_id="branch_decorator",
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    catchup=False,
    schedule="@daily",
    tags=["example"],
):

    @task.branch
    def choose(choices: list[str]) -> str:
        return random.choice(choices)

    join = EmptyOperator(task_id="join", trigger_rule="none_failed_min_one_success")
    chosen = choose(choices=["north", "south"])
    for option in ("north", "south"):

        @task(task_id=option)
        def say_hello():
            print("hello")

        chosen >> say_hello() >> join
