import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG

with DAG("approval", schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False) as dag:
    ApprovalOperator(
        task_id="approve", subject="Load it?", body="{{ ds }}", defaults="Reject", fail_on_reject=True
    ) >> EmptyOperator(task_id="load")
