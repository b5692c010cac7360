"""What lint knows of templates, against the installed Jinja and Airflow."""

from __future__ import annotations

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
