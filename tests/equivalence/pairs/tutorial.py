from datetime import datetime, timedelta
from textwrap import dedent

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    "tutorial",
    description="Three shell tasks",
    schedule=timedelta(days=1),
    start_date=datetime(2021, 1, 1),
    catchup=False,
    tags=["example"],
    default_args={"depends_on_past": False, "retries": 1, "retry_delay": timedelta(minutes=5)},
) as dag:
    print_date = BashOperator(task_id="print_date", bash_command="date")
    sleep = BashOperator(task_id="sleep", depends_on_past=False, bash_command="sleep 5", retries=3)
    command = dedent(
        """
        {% for day in range(5) %}
        echo "{{ ds }} {{ macros.ds_add(ds, 7) }}"
        {% endfor %}
        """
    )
    templated = BashOperator(task_id="templated", bash_command=command)
    print_date.doc_md = "Prints the date."
    print_date >> [sleep, templated]
