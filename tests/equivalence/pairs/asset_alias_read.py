import pendulum
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, AssetAlias


def read_events(*, inlet_events=None):
    for event in inlet_events[AssetAlias("example-alias")]:
        print(event)


with DAG(
    dag_id="asset_alias_read",
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    schedule=[AssetAlias("example-alias")],
    catchup=False,
    tags=["example", "consumer", "asset-alias"],
):
    PythonOperator(task_id="read_events", python_callable=read_events, inlets=[AssetAlias("example-alias")])
