import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, TaskGroup

with DAG(
    dag_id="setup_teardown",
    schedule=None,
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example"],
) as dag:
    create = BashOperator(task_id="create", bash_command="echo create").as_setup()
    normal = BashOperator(task_id="normal", bash_command="echo normal")
    delete = BashOperator(task_id="delete", bash_command="echo delete").as_teardown(
        setups=create, on_failure_fail_dagrun=True
    )
    create >> normal >> delete
    with TaskGroup("section") as section:
        inner_create = BashOperator(task_id="create", bash_command="echo create").as_setup()
        inner_normal = BashOperator(task_id="normal", bash_command="echo normal")
        inner_delete = BashOperator(task_id="delete", bash_command="echo delete").as_teardown(setups=inner_create)
        inner_create >> inner_normal >> inner_delete
    normal >> section
