import pendulum
from airflow.sdk import DAG, task

container = {"name": "base", "image": "shop/etl:1", "volumeMounts": [{"mountPath": "/shared/", "name": "shared"}]}
pod = {"metadata": {"annotations": {"test": "annotation"}}, "spec": {"containers": [container]}}

with DAG(
    dag_id="kubernetes_executor",
    schedule=None,
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example"],
) as dag:

    @task(executor_config={"pod_override": pod}, queue="kubernetes", executor="KubernetesExecutor")
    def say_hello():
        print("hello")

    @task(pool="k8s", pool_slots=2)
    def extract():
        return {}

    say_hello() >> extract()
