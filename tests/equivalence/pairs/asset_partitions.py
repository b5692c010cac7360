from airflow.sdk import (
    DAG,
    Asset,
    PartitionedAssetTimetable,
    StartOfDayMapper,
    StartOfHourMapper,
    task,
)

stats = Asset(uri="file://incoming/stats.csv", name="stats")
sales = Asset(uri="file://incoming/sales.csv", name="sales")

with DAG(
    dag_id="asset_partitions",
    schedule=PartitionedAssetTimetable(
        assets=stats & sales,
        partition_mapper_config={sales: StartOfDayMapper()},
        default_partition_mapper=StartOfHourMapper(),
    ),
    catchup=False,
    tags=["example"],
):

    @task(outlets=[Asset(uri="file://curated/stats.csv", name="curated")])
    def say_hello():
        print("hello")

    say_hello()
