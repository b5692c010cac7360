import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, task

with DAG(
    "xcom_args", start_date=pendulum.datetime(2021, 1, 1, tz="UTC"), catchup=False, schedule=None, tags=["example"]
) as dag:

    @task
    def shout(text):
        return text.upper()

    first, second = BashOperator(task_id="c", bash_command="echo c"), BashOperator(task_id="d", bash_command="echo d")
    first >> shout("first!") >> shout("second!") >> second
    shout(shout("third"))
