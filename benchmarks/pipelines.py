"""The same pipelines in three forms: this project's YAML, one hand-written Python file each, dag-factory's YAML.

Six tasks each: a shell command, three Python functions that hand rows to each other, a shell command that runs
in any case, and an empty task; retries, time limits, a time zone and tags beside them.
"""

from __future__ import annotations

from pathlib import Path

MODULE = "shop_steps"

STEPS = '''\
"""What the tasks do; every pipeline uses it."""


def extract(shop, day):
    return [{"shop": shop, "day": day, "amount": 1.5}]


def clean(rows, columns):
    return [{column: row[column] for column in columns} for row in rows]


def load(rows, table):
    print(f"{len(rows)} rows into {table}")
    return len(rows)
'''

OURS = """\
description: Orders of shop NUMBER, every day.
schedule: "MINUTE 3 * * *"
start_date: 2026-01-01
timezone: Europe/Berlin
owner: shop-team
tags: [shop, orders]
dagrun_timeout: 2h
default_args:
  retries: 2
  retry_delay: 5m
  execution_timeout: 30m
tasks:
  - id: prepare
    uses: bash
    with:
      bash_command: echo "shop $SHOP on {{ ds }}"
      env:
        SHOP: "NUMBER"
      append_env: true
  - id: extract
    uses: shop_steps.extract
    needs: [prepare]
    with:
      shop: "NUMBER"
      day: "{{ ds }}"
  - id: clean
    uses: shop_steps.clean
    with:
      rows: ${tasks.extract.output}
      columns: [shop, day, amount]
  - id: load
    uses: shop_steps.load
    retries: 4
    retry_delay: 1m
    with:
      rows: ${tasks.clean.output}
      table: orders_NUMBER
  - id: report
    uses: bash
    needs: [load]
    trigger_rule: all_done
    with:
      bash_command: echo "orders_NUMBER is done"
  - id: done
    uses: empty
    needs: [report]
"""

PYTHON = '''\
"""The orders of one shop, from its files to the warehouse."""

from datetime import timedelta

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG

import shop_steps

with DAG(
    "shop_NUMBER",
    description="Orders of shop NUMBER, every day.",
    schedule="MINUTE 3 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="Europe/Berlin"),
    catchup=False,
    is_paused_upon_creation=False,
    tags={"shop", "orders"},
    dagrun_timeout=timedelta(hours=2),
    default_args={
        "owner": "shop-team",
        "retries": 2,
        "retry_delay": timedelta(minutes=5),
        "execution_timeout": timedelta(minutes=30),
    },
):
    prepare = BashOperator(
        task_id="prepare", bash_command='echo "shop $SHOP on {{ ds }}"', env={"SHOP": "NUMBER"}, append_env=True
    )
    extract = PythonOperator(
        task_id="extract", python_callable=shop_steps.extract, op_kwargs={"shop": "NUMBER", "day": "{{ ds }}"}
    )
    clean = PythonOperator(
        task_id="clean",
        python_callable=shop_steps.clean,
        op_kwargs={"rows": extract.output, "columns": ["shop", "day", "amount"]},
    )
    load = PythonOperator(
        task_id="load",
        python_callable=shop_steps.load,
        op_kwargs={"rows": clean.output, "table": "orders_NUMBER"},
        retries=4,
        retry_delay=timedelta(minutes=1),
    )
    report = BashOperator(task_id="report", bash_command='echo "orders_NUMBER is done"', trigger_rule="all_done")
    done = EmptyOperator(task_id="done")
    prepare >> extract
    load >> report >> done
'''

DAG_FACTORY = """\
shop_NUMBER:
  description: Orders of shop NUMBER, every day.
  schedule: "MINUTE 3 * * *"
  catchup: false
  is_paused_upon_creation: false
  tags: [shop, orders]
  dagrun_timeout: {__type__: datetime.timedelta, hours: 2}
  default_args:
    owner: shop-team
    start_date: 2026-01-01
    timezone: Europe/Berlin
    retries: 2
    retry_delay: {__type__: datetime.timedelta, minutes: 5}
    execution_timeout: {__type__: datetime.timedelta, minutes: 30}
  tasks:
    - task_id: prepare
      operator: airflow.providers.standard.operators.bash.BashOperator
      bash_command: echo "shop $SHOP on {{ ds }}"
      env:
        SHOP: "NUMBER"
      append_env: true
    - task_id: extract
      operator: airflow.providers.standard.operators.python.PythonOperator
      python_callable: shop_steps.extract
      op_kwargs: {shop: "NUMBER", day: "{{ ds }}"}
      dependencies: [prepare]
    - task_id: clean
      operator: airflow.providers.standard.operators.python.PythonOperator
      python_callable: shop_steps.clean
      op_kwargs: {rows: "{{ ti.xcom_pull('extract') }}", columns: [shop, day, amount]}
      dependencies: [extract]
    - task_id: load
      operator: airflow.providers.standard.operators.python.PythonOperator
      python_callable: shop_steps.load
      op_kwargs: {rows: "{{ ti.xcom_pull('clean') }}", table: orders_NUMBER}
      retries: 4
      retry_delay: {__type__: datetime.timedelta, minutes: 1}
      dependencies: [clean]
    - task_id: report
      operator: airflow.providers.standard.operators.bash.BashOperator
      bash_command: echo "orders_NUMBER is done"
      trigger_rule: all_done
      dependencies: [load]
    - task_id: done
      operator: airflow.providers.standard.operators.empty.EmptyOperator
      dependencies: [report]
"""

LOADER = """\
# An Airflow DAG file.
from pathlib import Path

from dagfactory import load_yaml_dags

FOLDER = str(Path(__file__).parent)
load_yaml_dags(globals(), dags_folder=FOLDER, defaults_config_path=FOLDER)
"""

LOADER_OF_ONE = """\
# An Airflow DAG file.
from pathlib import Path

from dagfactory import load_yaml_dags

FOLDER = Path(__file__).parent
load_yaml_dags(globals(), config_filepath=str(FOLDER / "shop_NUMBER.yaml"), defaults_config_path=str(FOLDER))
"""


def dag_id(number: int) -> str:
    return f"shop_{number:04d}"


def fill(template: str, number: int, minute: int | None = None) -> str:
    """One pipeline's text; by default the minute of its schedule follows from its number."""
    chosen = number % 60 if minute is None else minute
    return template.replace("NUMBER", f"{number:04d}").replace("MINUTE", str(chosen))


def write_ours(folder: Path, count: int) -> Path:
    return _write(folder, count, {"{}.yaml": OURS})


def write_python(folder: Path, count: int) -> Path:
    return _write(folder, count, {"{}.py": PYTHON})


def write_dag_factory(folder: Path, count: int) -> Path:
    """One loader for all of the folder's YAML, as dag-factory's documentation begins."""
    _write(folder, count, {"{}.yaml": DAG_FACTORY})
    (folder / "loader.py").write_text(LOADER)
    return folder


def write_dag_factory_single(folder: Path, count: int) -> Path:
    """One loader file for each YAML."""
    return _write(folder, count, {"{}.yaml": DAG_FACTORY, "{}.py": LOADER_OF_ONE})


def _write(folder: Path, count: int, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True)
    (folder / f"{MODULE}.py").write_text(STEPS)
    # The functions are imported by DAG files and are none themselves.
    (folder / ".airflowignore").write_text(f"{MODULE}.py\n")
    for number in range(count):
        for name, template in files.items():
            (folder / name.format(dag_id(number))).write_text(fill(template, number))
    return folder
