import pendulum
from airflow.providers.standard.operators.datetime import BranchDateTimeOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

dag = DAG(
    dag_id="branch_datetime",
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example"],
    schedule="@daily",
)
inside = EmptyOperator(task_id="inside", dag=dag)
outside = EmptyOperator(task_id="outside", dag=dag)
branch = BranchDateTimeOperator(
    task_id="branch",
    use_task_logical_date=True,
    follow_task_ids_if_true=["inside"],
    follow_task_ids_if_false=["outside"],
    target_upper=pendulum.datetime(2020, 10, 10, 15),
    target_lower=pendulum.datetime(2020, 10, 10, 14),
    dag=dag,
)
branch >> [inside, outside]
