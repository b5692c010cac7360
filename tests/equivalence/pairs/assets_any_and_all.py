import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Asset

one, two, three = (Asset(f"s3://dag{n}/output_1.txt") for n in (1, 2, 3))

with DAG(
    dag_id="assets_any_and_all",
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    schedule=one | (two & three),
    tags=["example"],
):
    BashOperator(task_id="consume", inlets=[one, two], bash_command="sleep 5")
