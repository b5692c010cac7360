import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Asset

asset = Asset(uri="s3://output/1.txt", name="test-asset", group="tests")


def add_extra(context, result):
    context["outlet_events"][asset].extra = {"hi": "bye"}


with DAG(
    dag_id="asset_events",
    catchup=False,
    start_date=datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC),
    schedule="@daily",
    tags=["example"],
):
    write = BashOperator(task_id="write", outlets=[asset], bash_command=":", post_execute=add_extra)
    read = BashOperator(
        task_id="read",
        inlets=[asset],
        bash_command="echo '{{ inlet_events.for_asset(uri='s3://output/1.txt')[-1].extra | tojson }}'",
    )
    write >> read
