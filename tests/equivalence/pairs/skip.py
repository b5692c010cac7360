import datetime

import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TriggerRule
from operators import AlwaysSkipped

with DAG(
    dag_id="skip",
    schedule=datetime.timedelta(days=1),
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example"],
) as dag:
    for number, rule in (("1", TriggerRule.ALL_SUCCESS), ("2", TriggerRule.ONE_SUCCESS)):
        skipped = AlwaysSkipped(task_id=f"skipped_{number}")
        join = EmptyOperator(task_id=rule, trigger_rule=rule)
        [skipped, EmptyOperator(task_id=f"always_{number}")] >> join >> EmptyOperator(task_id=f"final_{number}")
