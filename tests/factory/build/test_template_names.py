"""What lint knows of templates, against the installed Jinja and Airflow."""

from __future__ import annotations

from inspect import signature

from airflow.sdk.api.datamodels._generated import DagRun
from airflow.sdk.definitions._internal.templater import FILTERS as AIRFLOWS
from airflow.sdk.execution_time import macros
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from jinja2.defaults import DEFAULT_FILTERS
from jinja2.tests import TESTS as DEFAULT_TESTS
from pendulum import DateTime

from schemas.model.task_base import CONTEXT_NAMES
from schemas.rules.template_names import MACROS, OF_DATE, OF_RUN, OF_TI, PULL_TAKES
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


def test_attributes_of_runs_and_task_instances_are_airflows() -> None:
    assert set(DagRun.model_fields) == OF_RUN
    assert {name for name in OF_TI if name not in RuntimeTaskInstance.model_fields} <= set(dir(RuntimeTaskInstance))
    assert set(dir(DateTime)) >= OF_DATE
    assert set(signature(RuntimeTaskInstance.xcom_pull).parameters) - {"self"} == PULL_TAKES
