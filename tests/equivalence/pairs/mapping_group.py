from datetime import datetime

from airflow.sdk import DAG, task, task_group

with DAG(dag_id="mapping_group", schedule=None, catchup=False, start_date=datetime(2022, 3, 4), tags=["example"]):

    @task
    def add_one(x):
        return x + 1

    @task
    def multiply(x, factor):
        return x * factor

    @task_group
    def steps(number):
        return multiply(add_one(number), factor=2)

    steps.expand(number=[1, 2, 3])
