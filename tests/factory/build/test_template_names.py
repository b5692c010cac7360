"""What lint knows of templates, against the installed Jinja and Airflow."""

from __future__ import annotations

import random
from datetime import datetime
from inspect import Parameter, signature

import dateutil
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.sdk.api.datamodels._generated import DagRun
from airflow.sdk.definitions._internal.templater import FILTERS as AIRFLOWS
from airflow.sdk.execution_time import macros
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from jinja2.defaults import DEFAULT_FILTERS
from jinja2.runtime import LoopContext
from jinja2.tests import TESTS as DEFAULT_TESTS
from pendulum import DateTime
from pydantic import BaseModel

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
from schemas.rules.templates import FILTERS, REMOVED, TESTS


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
    moment = DateTime(2026, 1, 1)
    task = EmptyOperator(task_id="a", dag=DAG("orders"))
    run = DagRun.model_construct(dag_id="orders", run_id="r", logical_date=moment, run_after=moment, conf={})
    ti = RuntimeTaskInstance.model_construct(task=task, task_id="a", dag_id="orders", run_id="r", try_number=1)
    values: dict[str, object] = {"ds": "2026-01-01", "logical_date": moment, "dag": task.dag, "dag_run": run, "ti": ti}
    values |= {f"macros.{name}": getattr(macros, name) for name in MACROS - {"yaml", "dateutil"}}
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
            said = list(said_of_names(f"{{{{ ({path}).{written} }}}}"))
            assert bool(said) is not hasattr(value, written), f"{path}.{written}: {said}"
            refused += bool(said)
    assert refused > 150
