from datetime import datetime

from airflow.sdk import DAG, task

with DAG(dag_id="mapping_kwargs", schedule=None, start_date=datetime(2022, 3, 4), catchup=False):

    @task
    def multiply(x, factor):
        return x * factor

    multiply.expand_kwargs([{"x": 1, "factor": 10}, {"x": 2, "factor": 20}])
    multiply.override(task_id="cross").expand(x=[1, 2], factor=[10, 20])
