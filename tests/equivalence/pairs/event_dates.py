import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.timetables.events import EventsTimetable

days = [pendulum.datetime(2026, 12, 24, 18, tz="UTC"), pendulum.datetime(2027, 2, 6, 18, tz="UTC")]

with DAG(dag_id="event_dates", schedule=EventsTimetable(event_dates=days, description="Holidays"), catchup=False):
    EmptyOperator(task_id="greet")
