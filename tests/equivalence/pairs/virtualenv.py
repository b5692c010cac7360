from datetime import datetime
from textwrap import dedent

from airflow.providers.standard.operators.python import ExternalPythonOperator, PythonVirtualenvOperator
from airflow.sdk import DAG

with DAG(dag_id="virtualenv", schedule=None, start_date=datetime(2021, 1, 1), catchup=False, tags=["example"]):
    fresh = PythonVirtualenvOperator(
        task_id="fresh",
        python_callable=dedent,
        op_kwargs={"text": "{{ ds }}"},
        requirements=["colorama==0.4.0"],
        system_site_packages=False,
    )
    fresh >> ExternalPythonOperator(
        task_id="other", python="/usr/bin/python3", python_callable=dedent, op_kwargs={"text": "a"}
    )
