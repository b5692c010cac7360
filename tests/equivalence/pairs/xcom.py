import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, XComArg, task

with DAG(
    "xcom",
    schedule="@once",
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example"],
) as dag:

    @task
    def push(ti=None):
        ti.xcom_push(key="rows", value=[1, 2, 3])

    @task
    def compare(rows, word):
        print(rows, word)

    bash_push = BashOperator(
        task_id="bash_push", bash_command="echo {{ ti.xcom_push(key='word', value='hi') }} && echo v"
    )
    bash_pull = BashOperator(
        task_id="bash_pull",
        bash_command="echo $WORD $RETURNED",
        env={"WORD": XComArg(bash_push, key="word"), "RETURNED": bash_push.output},
        append_env=True,
        do_xcom_push=False,
    )
    pushed = push()
    compare(pushed["rows"], word=XComArg(bash_push, key="word"))
