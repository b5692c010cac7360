import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Asset

with DAG(
    dag_id="assets_all",
    catchup=False,
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    schedule=[Asset("s3://dag1/output_1.txt"), Asset("s3://dag2/output_1.txt")],
    tags=["consumes"],
):
    BashOperator(
        outlets=[Asset("s3://consuming_2_task/asset_other_unknown.txt")], task_id="consuming", bash_command="sleep 5"
    )
