import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Asset, AssetOrTimeSchedule, CronTriggerTimetable

with DAG(
    dag_id="assets_or_time",
    catchup=False,
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("0 1 * * 3", timezone="UTC"),
        assets=Asset("s3://dag1/output_1.txt") & Asset("s3://dag2/output_1.txt"),
    ),
    tags=["example", "asset-time-based-timetable"],
):
    BashOperator(task_id="consume", bash_command="sleep 5")
