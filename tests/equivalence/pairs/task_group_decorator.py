import pendulum
from airflow.sdk import DAG, task, task_group


@task
def start_cluster():
    return "cluster-1"


@task
def work_on(cluster):
    print(cluster)


@task
def stop_cluster(cluster):
    print(cluster)


@task_group(tooltip="What is done", default_args={"retries": 2}, prefix_group_id=False, ui_color="#e8b7e4")
def work(cluster):
    """Works on the cluster."""
    work_on(cluster) >> work_on.override(task_id="work_again", retries=0)(cluster)


with DAG(
    dag_id="task_group_decorator",
    schedule=None,
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    catchup=False,
    default_args={"retries": 1},
) as dag:
    cluster = start_cluster()
    work(cluster) >> stop_cluster(cluster)
