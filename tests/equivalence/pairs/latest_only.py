import datetime

import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.latest_only import LatestOnlyOperator
from airflow.sdk import DAG, TriggerRule

with DAG(
    dag_id="latest_only",
    schedule=datetime.timedelta(hours=4),
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example"],
) as dag:
    latest = LatestOnlyOperator(task_id="latest")
    one, two, three = (EmptyOperator(task_id=name) for name in ("one", "two", "three"))
    four = EmptyOperator(task_id="four", trigger_rule=TriggerRule.ALL_DONE)
    latest >> one >> [three, four]
    two >> [three, four]
