import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, chain, cross_downstream

with DAG(
    dag_id="complex_chain",
    schedule=None,
    start_date=pendulum.datetime(2021, 1, 1, tz="UTC"),
    catchup=False,
    tags=["example", "example2", "example3"],
) as dag:

    def say(name):
        return BashOperator(task_id=name, bash_command=f"echo {name}")

    create = [say(f"create_{what}") for what in ("group", "entry", "template", "tag")]
    delete = [say(f"delete_{what}") for what in ("tag", "template", "group", "entry")]
    search, results = say("search"), [say(f"result_{i}") for i in (1, 2)]
    chain(*create)
    chain(*delete)
    chain(create, search, delete)
    search >> results
    cross_downstream([create[1], create[3]], [say("look_up"), say("list")])
    dag.get_task("look_up") >> delete[3]
    dag.get_task("list") >> delete[0]
