import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

for region, hour in (("eu", 1), ("us", 7)):
    with DAG(
        dag_id=f"orders-{region}",
        schedule=f"0 {hour} * * *",
        start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
        catchup=False,
        tags=[region],
    ):
        BashOperator(task_id="load", bash_command=f"echo {region}", env={"HOUR": f"{hour}h"})
