import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, MultipleCronTriggerTimetable

with DAG(
    dag_id="several_crons",
    schedule=MultipleCronTriggerTimetable("0 6 * * 1-5", "0 9 * * 6", timezone="Asia/Seoul"),
    start_date=pendulum.datetime(2026, 1, 1, tz="Asia/Seoul"),
    catchup=False,
):
    EmptyOperator(task_id="work")
