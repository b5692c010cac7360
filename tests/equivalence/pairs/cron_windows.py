import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, CronDataIntervalTimetable

with DAG(
    dag_id="cron_windows",
    schedule=CronDataIntervalTimetable("0 * * * *", timezone="Europe/Berlin"),
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Berlin"),
    catchup=True,
    user_defined_macros={"shop": "north"},
    render_template_as_native_obj=True,
):
    BashOperator(task_id="copy", bash_command="echo {{ shop }} {{ data_interval_start }} {{ data_interval_end }}")
