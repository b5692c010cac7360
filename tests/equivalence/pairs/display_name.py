import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import dag, task


@dag(
    schedule=None,
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example"],
    dag_display_name="Sample DAG with Display Name",
    owner_links={"ops": "mailto:ops@example.com"},
    default_args={"owner": "ops"},
)
def display_name():
    first = EmptyOperator(task_id="first", task_display_name="Sample Task 1")

    @task(task_display_name="Sample Task 2", doc_md="Says hello.", owner="somebody")
    def say_hello():
        print("hello")

    first >> say_hello()


display_name()
