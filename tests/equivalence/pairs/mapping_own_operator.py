from datetime import datetime

from airflow.sdk import DAG
from operators import AddOne

with DAG(dag_id="mapping_own_operator", schedule=None, start_date=datetime(2022, 3, 4), catchup=False):
    first = AddOne.partial(task_id="first", retries=3).expand(values=[[1], [2, 3]])
    AddOne(task_id="second", values=first.output)
