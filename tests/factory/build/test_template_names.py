"""What lint knows of templates, against the installed Jinja and Airflow."""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, datetime
from inspect import Parameter, signature
from pathlib import Path

import dateutil
import yaml
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.sdk.api.datamodels._generated import DagRun
from airflow.sdk.definitions._internal.templater import FILTERS as AIRFLOWS
from airflow.sdk.execution_time import macros
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.serialization.serialized_objects import DagSerialization
from jinja2.defaults import DEFAULT_FILTERS
from jinja2.runtime import LoopContext
from jinja2.tests import TESTS as DEFAULT_TESTS
from pendulum import DateTime
from pydantic import BaseModel

from schemas.model.built_ins import built_in
from schemas.model.task_base import CONTEXT_NAMES
from schemas.rules.template_context import (
    KEYWORDS,
    MACROS,
    NEEDED,
    OF_DAG,
    OF_DATE,
    OF_DATEUTIL,
    OF_LOOP,
    OF_RUN,
    OF_TASK,
    OF_TI,
)
from schemas.rules.template_names import said_of_names
from schemas.rules.template_samples import DATE_FILTERS
from schemas.rules.templates import FILTERS, REMOVED, TESTS

from .built_dags import built


def test_filters_are_those_of_jinja_and_airflow() -> None:
    assert DEFAULT_FILTERS.keys() | AIRFLOWS.keys() == FILTERS


def test_tests_are_those_of_jinja() -> None:
    assert {name for name in DEFAULT_TESTS if name.isidentifier()} == TESTS


def test_airflow_has_none_of_the_names_that_are_gone() -> None:
    assert not REMOVED.keys() & CONTEXT_NAMES


def test_macros_are_airflows() -> None:
    own = {name for name in vars(macros) if not name.startswith("_") and name[0].islower() and name != "annotations"}

    assert own == MACROS


def test_attributes_of_what_airflow_gives_are_airflows() -> None:
    dag = DAG("orders")

    assert set(DagRun.model_fields) == OF_RUN
    assert public(RuntimeTaskInstance) | set(RuntimeTaskInstance.model_fields) == OF_TI | public(BaseModel)
    assert public(dag) == OF_DAG
    assert public(DateTime) | set(dir(datetime)) == OF_DATE
    assert public(LoopContext) | {"depth0"} == OF_LOOP  # its instances have that
    assert set(dateutil.__all__) == OF_DATEUTIL
    assert set(OF_TASK) <= public(EmptyOperator(task_id="a"))


def test_arguments_are_those_of_airflow() -> None:
    called = {
        "ti.xcom_pull": RuntimeTaskInstance.xcom_pull,
        "date.add": DateTime.add,
        "date.subtract": DateTime.subtract,
    }
    called |= {f"macros.{name}": getattr(macros, name) for name in ("ds_add", "ds_format", "ds_format_locale")}
    for path, function in called.items():
        parameters = {name: p for name, p in signature(function).parameters.items() if name != "self"}
        assert set(KEYWORDS.get(path, parameters)) == parameters.keys()
        assert NEEDED.get(path, 0) == sum(p.default is Parameter.empty for p in parameters.values())


def public(thing: object) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


def test_lint_refuses_the_attributes_that_values_in_a_task_do_not_have() -> None:
    choose = random.Random(15)  # noqa: S311 # the same attributes in each run
    moment = DateTime(2026, 1, 1, tzinfo=UTC)
    task = EmptyOperator(task_id="a", dag=DAG("orders"))
    run = DagRun.model_construct(dag_id="orders", run_id="r", logical_date=moment, run_after=moment, conf={})
    ti = RuntimeTaskInstance.model_construct(task=task, task_id="a", dag_id="orders", run_id="r", try_number=1)
    values: dict[str, object] = {"ds": "2026-01-01", "logical_date": moment, "dag": task.dag, "dag_run": run, "ti": ti}
    values |= {f"macros.{name}": getattr(macros, name) for name in sorted(MACROS - {"yaml", "dateutil"})}
    values |= {
        "logical_date.add(days=1)": moment,
        "macros.ds_add(ds, 1)": "",
        "logical_date | ds": "",
        "ds.upper()": "",
    }
    refused = 0
    for path, value in values.items():
        names = sorted(public(value))
        for name in (*choose.sample(names, min(len(names), 25)), *choose.sample(names, min(len(names), 25))):
            at = choose.randrange(len(name))
            written = choose.choice((name, name[:at] + name[at + 1 :] + choose.choice("xq_"), name.upper()))
            said = [s for s in said_of_names(f"{{{{ ({path}).{written} }}}}") if s.severity is None]
            is_of_texts = written == "format" and path in DATE_FILTERS  # which changes nothing in a date
            assert bool(said) is (is_of_texts or not hasattr(value, written)), f"{path}.{written}: {said}"
            refused += bool(said)
    assert refused > 150


TEXT = "x-${tasks.a.output}"
EVERY_TEXT = """
tasks:
  - {id: a, uses: bash, with: {bash_command: echo}}
  - {id: http, uses: http, with: {url: "http://${tasks.a.output}/", headers: {A: T}, params: {a: [T]},
      json: [T, "${each.id}"], method: POST, to: T.jsonl, data_selector: a, each: {rows: [{id: T}]}}}
  - {id: http2, uses: http, with: {conn_id: T, endpoint: T, data: {a: T}, method: POST}}
  - {id: http3, uses: http, with: {url: T, body: T, method: POST}}
  - {id: bash, uses: bash, with: {bash_command: T, env: {A: T}, cwd: T}}
  - {id: branch, uses: branch, with: {python_callable: etl_never_imported.load, op_kwargs: {rows: T}}}
  - {id: short, uses: short_circuit, with: {python_callable: etl_never_imported.load, op_kwargs: {rows: [T]}}}
  - {id: file, uses: wait_file, with: {filepath: T, fs_conn_id: T}}
  - {id: url, uses: wait_http, with: {endpoint: T, request_params: {a: T}, headers: {A: T}, http_conn_id: T}}
  - {id: query, uses: wait_sql, with: {conn_id: T, sql: T, parameters: {a: T}, hook_params: {a: T}}}
  - {id: moment, uses: wait_until, with: {target_time: T}}
  - {id: dag, uses: wait_dag, with: {external_dag_id: T, external_task_ids: [T]}}
  - {id: dag1, uses: wait_dag, with: {external_dag_id: T, external_task_id: T}}
  - {id: dag2, uses: wait_dag, with: {external_dag_id: T, external_task_group_id: T}}
  - {id: start, uses: trigger_dag, with: {trigger_dag_id: T, conf: {a: T}, trigger_run_id: T, logical_date: T,
      run_after: T}}
  - {id: mail, uses: email, with: {to: [T], subject: T, html_content: T, from_email: T, cc: T, bcc: T, files: [T],
      mime_subtype: T, mime_charset: T, custom_headers: {A: T}, conn_id: T}}
  - {id: sql, uses: sql, with: {conn_id: T, sql: [T], parameters: [T], database: T, to: T.jsonl}}
  - {id: load, uses: load, with: {conn_id: T, table: T, rows: [{a: T}]}}
  - {id: load1, uses: load, with: {conn_id: T, table: T, file: T.csv}}
  - {id: duck, uses: duckdb, with: {sql: T, tables: {a: T}, database: T, to: T.jsonl}}
  - {id: check, uses: check, with: {conn_id: T, table: T, checks: {a: {check_statement: T}}, partition_clause: T}}
  - {id: check1, uses: check, with: {rows: [{a: T}], row_count: {geq_to: 1}}}
  - {id: check2, uses: check, with: {file: T.csv, row_count: {geq_to: 1}}}
  - {id: chart, uses: chart, with: {rows: [{a: T}], spec: {mark: bar}, to: T.html, title: T}}
  - {id: chart1, uses: chart, with: {file: T.csv, spec: {mark: bar}, to: T.html}}
  - {id: chart2, uses: chart, with: {conn_id: T, sql: T, spec: {mark: bar}, to: T.html}}
  - {id: train, uses: train, with: {rows: [{a: T}], target: a, estimator: sklearn.linear_model.LinearRegression, to: T}}
  - {id: train1, uses: train, with: {file: T.csv, target: a, estimator: sklearn.linear_model.LinearRegression, to: T}}
  - {id: predict, uses: predict, with: {file: T.csv, model: T, to: T.jsonl}}
  - {id: predict1, uses: predict, with: {rows: [{a: T}], model: T}}
"""


def test_every_templated_argument_of_a_built_in_takes_a_text_with_an_output(tmp_path: Path) -> None:
    written = re.sub(r"\bT\b(\.\w+)?", lambda match: f'"{TEXT}{match[1] or ""}"', EVERY_TEXT)
    (tmp_path / "etl_never_imported.py").write_text("def load(rows, ds): ...\n")
    dag = built(written, tmp_path)
    said = {entry["uses"]: set() for entry in yaml.safe_load(written)["tasks"]}
    for entry in yaml.safe_load(written)["tasks"]:
        said[entry["uses"]] |= {key for key, value in entry["with"].items() if "${tasks" in str(value)}
    assert said == {name: built_in(name).templated for name in said}
    assert {task.task_id for task in dag.tasks if "a" not in task.upstream_task_ids} == {"a"}
    serialized = json.dumps(DagSerialization.to_dict(dag))
    assert serialized.count("x-${tasks.a.output}") >= written.count(TEXT)
