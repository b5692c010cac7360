from datetime import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG


def add_up(values):
    return sum(map(int, values))


with DAG(dag_id="mapping_operator", schedule=None, start_date=datetime(2022, 3, 4), catchup=False, tags=["example"]):
    say = BashOperator.partial(task_id="say", append_env=True).expand(bash_command=["echo 1", "echo 2", "echo 3"])
    with_env = BashOperator.partial(task_id="with_env", bash_command="echo $N", do_xcom_push=False).expand(
        env=[{"N": "1"}, {"N": "2"}]
    )
    add = PythonOperator(task_id="add", python_callable=add_up, op_kwargs={"values": say.output})
