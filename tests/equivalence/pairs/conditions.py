import pendulum
from airflow.sdk import DAG, task

with DAG(
    dag_id="conditions",
    schedule="@daily",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    params={"full": False},
):

    @task.run_if(lambda context: context["params"]["full"])
    @task
    def extract():
        return {}

    @task.skip_if(lambda context: context["dag_run"].run_after.weekday() != 0)
    @task(trigger_rule="none_failed")
    def say_hello():
        print("hello")

    extract() >> say_hello()
