import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.weekday import BranchDayOfWeekOperator
from airflow.providers.standard.utils.weekday import WeekDay
from airflow.sdk import DAG

with DAG(
    dag_id="branch_weekday",
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example"],
    schedule="@daily",
) as dag:
    monday, other, weekend, midweek = (EmptyOperator(task_id=n) for n in ("monday", "other", "weekend", "midweek"))
    choice = BranchDayOfWeekOperator(
        task_id="choice", follow_task_ids_if_true="monday", follow_task_ids_if_false="other", week_day="Monday"
    )
    second = BranchDayOfWeekOperator(
        task_id="second",
        follow_task_ids_if_true="weekend",
        follow_task_ids_if_false="midweek",
        week_day={WeekDay.SATURDAY, WeekDay.SUNDAY},
    )
    choice >> [monday, other]
    other >> second >> [weekend, midweek]
