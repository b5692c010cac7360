"""Pipelines whose tasks are all operator classes of Airflow's providers, for lint: each argument is held against the
source of the class and its bases."""

from __future__ import annotations

from pathlib import Path

from benchmarks.pipelines import dag_id, fill

OPERATORS = """\
description: Orders of shop NUMBER, by operators.
schedule: "MINUTE 3 * * *"
start_date: 2026-01-01
timezone: Europe/Berlin
default_args:
  retries: 2
tasks:
  - id: wait
    uses: airflow.providers.standard.sensors.filesystem.FileSensor
    with:
      filepath: /data/NUMBER.csv
      fs_conn_id: files
      poke_interval: 30s
  - id: fetch
    uses: airflow.providers.http.operators.http.HttpOperator
    needs: [wait]
    with:
      http_conn_id: shop
      endpoint: orders/NUMBER
      method: GET
      log_response: true
  - id: prepare
    uses: airflow.providers.standard.operators.bash.BashOperator
    needs: [fetch]
    with:
      bash_command: echo "shop $SHOP"
      env: {SHOP: "NUMBER"}
      append_env: true
  - id: load
    uses: airflow.providers.common.sql.operators.sql.SQLExecuteQueryOperator
    needs: [prepare]
    with:
      conn_id: warehouse
      sql: insert into orders select * from staged where shop = NUMBER
      autocommit: true
  - id: tell
    uses: airflow.providers.smtp.operators.smtp.EmailOperator
    needs: [load]
    with: {to: shop@example.com, subject: Orders of NUMBER, html_content: loaded}
  - id: end
    uses: airflow.providers.standard.operators.empty.EmptyOperator
    needs: [tell]
"""


def write_operators(folder: Path, count: int) -> Path:
    """So many pipelines in a new folder."""
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"{dag_id(number)}.yaml").write_text(fill(OPERATORS, number))
    return folder
