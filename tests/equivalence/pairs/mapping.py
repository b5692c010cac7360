from datetime import datetime

from airflow.sdk import DAG, task

with DAG(dag_id="mapping", schedule=None, start_date=datetime(2022, 3, 4), tags=["example"]):

    @task
    def add_one(x: int):
        return x + 1

    @task
    def add_up(values):
        return sum(values)

    add_up(add_one.expand(x=[1, 2, 3]))
