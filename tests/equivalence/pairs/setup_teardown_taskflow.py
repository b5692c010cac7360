import pendulum
from airflow.sdk import DAG, setup, task, teardown

with DAG(
    dag_id="setup_teardown_taskflow",
    schedule=None,
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example"],
) as dag:

    @setup
    def start_cluster():
        return "cluster-1"

    @task
    def work_on(cluster):
        print(cluster)

    @teardown
    def stop_cluster(cluster):
        print(cluster)

    @task
    def say_hello():
        print("hello")

    cluster = start_cluster()
    with stop_cluster(cluster):
        work_on(cluster)
        say_hello()
