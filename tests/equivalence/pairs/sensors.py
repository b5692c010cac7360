from datetime import timedelta

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.sensors.bash import BashSensor
from airflow.providers.standard.sensors.filesystem import FileSensor
from airflow.providers.standard.sensors.python import PythonSensor
from airflow.providers.standard.sensors.time_delta import TimeDeltaSensor
from airflow.providers.standard.sensors.weekday import DayOfWeekSensor
from airflow.sdk import DAG, TriggerRule


def failing():
    return False


with DAG(
    dag_id="sensors",
    schedule=None,
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example"],
) as dag:
    t0 = TimeDeltaSensor(task_id="wait_some_seconds", delta=timedelta(seconds=2))
    t1 = BashSensor(task_id="shell", bash_command="exit 0")
    t2 = BashSensor(task_id="shell_fails", timeout=3, soft_fail=True, bash_command="exit 1")
    t3 = BashOperator(task_id="remove", bash_command="rm -rf /tmp/temporary_file_for_testing")
    t4 = FileSensor(task_id="file", filepath="/tmp/temporary_file_for_testing", poke_interval=10, deferrable=True)
    t5 = BashOperator(task_id="create", bash_command="sleep 10; touch /tmp/temporary_file_for_testing")
    t6 = PythonSensor(task_id="function", timeout=3, soft_fail=True, python_callable=failing)
    t7 = DayOfWeekSensor(task_id="weekday", timeout=3, soft_fail=True, week_day="Tuesday", mode="reschedule")
    end = BashOperator(task_id="end", bash_command="date", trigger_rule=TriggerRule.ALL_DONE)
    t0 >> t3 >> t4
    t0 >> t5
    [t1, t2, t4, t5, t6, t7] >> end
