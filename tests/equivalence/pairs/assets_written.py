import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Asset

with DAG(
    dag_id="assets_written",
    catchup=False,
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    schedule="@daily",
    tags=["produces", "asset-scheduled"],
):
    BashOperator(outlets=[Asset("s3://dag1/output_1.txt", extra={"hi": "bye"})], task_id="one", bash_command="sleep 5")
    BashOperator(outlets=[Asset("s3://dag2/output_1.txt")], task_id="two", bash_command="sleep 5")
