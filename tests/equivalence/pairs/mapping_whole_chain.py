import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, TaskGroup, task
from functions import add_one, add_up, numbers

with DAG("mapping_whole_chain", schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False):
    with TaskGroup("in_group", default_args={"retries": 2}) as group:
        source = PythonOperator(task_id="numbers", python_callable=numbers)
        added = task(max_active_tis_per_dag=2)(add_one).expand(x=[1, 2])
        source >> added
    total = PythonOperator(task_id="add_up", python_callable=add_up, op_kwargs={"values": added})
    group >> total >> BashOperator(task_id="end", bash_command="echo end", trigger_rule="none_failed")
