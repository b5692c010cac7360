import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import ShortCircuitOperator
from airflow.sdk import DAG, TriggerRule, chain


def always():
    return True


def never():
    return False


with DAG(
    dag_id="short_circuit",
    schedule=None,
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example"],
) as dag:
    is_true = ShortCircuitOperator(task_id="is_true", python_callable=always)
    is_false = ShortCircuitOperator(task_id="is_false", python_callable=never)
    chain(is_true, [EmptyOperator(task_id=f"true_{i}") for i in (1, 2)])
    chain(is_false, [EmptyOperator(task_id=f"false_{i}") for i in (1, 2)])

    steps = [EmptyOperator(task_id=f"step_{i}") for i in (1, 2, 3)]
    circuit = ShortCircuitOperator(task_id="circuit", ignore_downstream_trigger_rules=False, python_callable=never)
    last = EmptyOperator(task_id="last", trigger_rule=TriggerRule.ALL_DONE)
    chain(steps[0], [steps[1], circuit], steps[2], last)
