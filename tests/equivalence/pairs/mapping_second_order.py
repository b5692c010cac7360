from datetime import datetime

from airflow.sdk import DAG, task

with DAG(dag_id="mapping_second_order", schedule=None, start_date=datetime(2022, 3, 4), catchup=False):

    @task
    def numbers():
        return [1, 2, 3]

    @task(retries=2, max_active_tis_per_dagrun=4, map_index_template="{{ task.op_kwargs['x'] }}")
    def multiply(x, factor):
        return x * factor

    @task
    def add_one(x):
        return x + 1

    add_one.expand(x=multiply.partial(factor=2).expand(x=numbers()))
