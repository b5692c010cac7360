import datetime

from airflow.sdk import DAG, Param, TriggerRule, task

with DAG(
    dag_id="params_trigger",
    dag_display_name="Params Trigger UI",
    description="Greets in several languages",
    schedule=None,
    start_date=datetime.datetime(2022, 3, 4),
    catchup=False,
    tags=["example", "params"],
    params={
        "names": Param(
            ["Linda", "Martha", "Thomas"],
            type="array",
            description="Who is greeted, one name a line.",
            title="Names to greet",
        ),
        "english": Param(True, type="boolean", title="English"),
        "german": Param(True, type="boolean", title="German (Formal)"),
    },
) as dag:

    @task(task_display_name="Get names")
    def names(**kwargs) -> list[str]:
        return kwargs["params"]["names"]

    @task.branch(task_display_name="Select languages")
    def languages(**kwargs) -> list[str]:
        return [f"greet_in_{language}" for language in ("english", "german") if kwargs["params"][language]]

    @task
    def greet(name: str) -> str:
        return f"Hello {name}"

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def print_all(greetings):
        print(greetings)

    who, chosen = names(), languages()
    greetings = [greet.override(task_id=f"greet_in_{language}").expand(name=who) for language in ("english", "german")]
    chosen >> greetings
    print_all(greetings)
