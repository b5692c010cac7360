from airflow.sdk import DAG, Asset, IdentityMapper, PartitionedAssetTimetable, ProductMapper, StartOfDayMapper, task

with DAG(
    dag_id="asset_composite_partitions",
    schedule=PartitionedAssetTimetable(
        assets=Asset("regional_sales"), default_partition_mapper=ProductMapper(IdentityMapper(), StartOfDayMapper())
    ),
    catchup=False,
):

    @task
    def say_hello():
        print("hello")

    say_hello()
