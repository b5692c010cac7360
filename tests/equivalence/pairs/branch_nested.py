import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, TriggerRule, task

with DAG(
    dag_id="branch_nested",
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    catchup=False,
    schedule="@daily",
    tags=["example"],
) as dag:

    @task.branch
    def answer(value):
        return value

    join = {"trigger_rule": TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS}
    branch_1 = answer.override(task_id="branch_1")(value="true_1")
    branch_2 = answer.override(task_id="branch_2")(value="true_2")
    join_1, join_2 = EmptyOperator(task_id="join_1", **join), EmptyOperator(task_id="join_2", **join)
    true_1, false_1, true_2, false_2, false_3 = (
        EmptyOperator(task_id=name) for name in ("true_1", "false_1", "true_2", "false_2", "false_3")
    )
    branch_1 >> true_1 >> join_1
    branch_1 >> false_1 >> branch_2 >> [true_2, false_2] >> join_2 >> false_3 >> join_1
