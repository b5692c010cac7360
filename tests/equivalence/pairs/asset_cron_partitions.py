from airflow.sdk import DAG, Asset, CronPartitionTimetable, task

with DAG(
    dag_id="asset_cron_partitions",
    schedule=CronPartitionTimetable("0 * * * *", timezone="UTC"),
    tags=["example", "ingestion"],
):

    @task(outlets=[Asset(uri="file://incoming/stats.csv", name="stats")])
    def say_hello():
        print("hello")

    say_hello()
