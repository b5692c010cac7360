import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task


@task.branch
def choose_by_minute(logical_date):
    return "even" if logical_date.minute % 2 == 0 else "odd"


with DAG(
    dag_id="branch_on_past",
    schedule="*/1 * * * *",
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    catchup=False,
    default_args={"depends_on_past": True},
    tags=["example"],
) as dag:
    choose_by_minute() >> [EmptyOperator(task_id="even"), EmptyOperator(task_id="odd")]
