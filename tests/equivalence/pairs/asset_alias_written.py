import pendulum
from airflow.sdk import DAG, Asset, AssetAlias, task

with DAG(
    dag_id="asset_alias_written",
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    schedule=None,
    catchup=False,
    tags=["example", "producer", "asset-alias"],
):

    @task(outlets=[AssetAlias("example-alias")])
    def write_events(*, outlet_events=None):
        outlet_events[AssetAlias("example-alias")].add(Asset("s3://bucket/my-task"))

    write_events()
