"""Every argument that the installed Airflow's DAG, BaseOperator, TaskGroup and Asset take has a key, or a reason."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Asset, AssetAlias, BaseOperator, TaskGroup

from factory.build.built_ins import BUILT_INS
from schemas.dagfactory.keys import NOT_MAPPED
from schemas.model import schedule, task
from schemas.model.built_ins import built_in
from schemas.model.fields import Model
from schemas.model.pipeline import Pipeline
from schemas.model.settings import TaskSettings
from schemas.rules.template_files import OF_BUILT_INS

_NOTIFICATION = "`notifications`"
_GONE = "Airflow 3 takes it and does nothing with it"
_PLACE = "where it is in the file says it"

DAG_OTHERWISE = {
    "template_searchpath": "the pipeline's folder, then the pipelines folder: the same for all",
    "task_group": "the tasks of the file",
    "auto_register": "it is about `with DAG(…)` in Python",
    "sla_miss_callback": _GONE,
    "on_success_callback": _NOTIFICATION,
    "on_failure_callback": _NOTIFICATION,
}
TASK_OTHERWISE = {
    "task_id": "`id`",
    "dag": _PLACE,
    "task_group": _PLACE,
    "default_args": "what would be a default of a task is in the task",
    "params": "the pipeline's `params` hold for its tasks",
    "sla": _GONE,
    "email": "Airflow has deprecated it for notifiers",
    "email_on_retry": "see `email`",
    "email_on_failure": "see `email`",
    "kwargs": "no argument: what subclasses hand up",
    **dict.fromkeys(
        (f"on_{event}_callback" for event in ("execute", "failure", "success", "retry", "skipped")), _NOTIFICATION
    ),
}
GROUP_OTHERWISE = {
    "group_id": "`id`",
    "parent_group": _PLACE,
    "dag": _PLACE,
    "add_suffix_on_collision": "two groups of one id are an error",
}
ALIAS_OTHERWISE = {"name": "`alias`"}


@pytest.mark.parametrize(
    ("airflow", "model", "otherwise"),
    [
        pytest.param(DAG, Pipeline, DAG_OTHERWISE, id="DAG"),
        pytest.param(BaseOperator, TaskSettings, TASK_OTHERWISE, id="BaseOperator"),
        pytest.param(TaskGroup, task.TaskGroup, GROUP_OTHERWISE, id="TaskGroup"),
        pytest.param(Asset, schedule.Asset, {}, id="Asset"),
        pytest.param(AssetAlias, schedule.AssetAlias, ALIAS_OTHERWISE, id="AssetAlias"),
    ],
)
def test_every_argument_has_a_key_or_a_reason(airflow: type, model: type[Model], otherwise: Mapping[str, str]) -> None:
    arguments = set(inspect.signature(airflow.__init__).parameters) - {"self"}  # type: ignore[misc]
    keys = set(model.model_fields)
    assert arguments - keys - otherwise.keys() == set(), "neither a key nor a reason"
    assert otherwise.keys() - (arguments - keys) == set(), "a reason for what has a key, or is no argument"
    assert all(otherwise.values())


def test_lint_knows_which_texts_of_built_ins_name_files() -> None:
    """Of operators with `template_ext`: these, and the arguments of the built-in that are template fields."""
    expected = {}
    for name, row in BUILT_INS.items():
        if isinstance(row.operator, str):
            module, _, last = row.operator.rpartition(".")
            operator = getattr(importlib.import_module(module), last)
            arguments = built_in(name).model_fields["with_"].annotation
            assert isinstance(arguments, type)
            if operator.template_ext and issubclass(arguments, Model):
                fields = {field for field in operator.template_fields if field in arguments.model_fields}
                expected[name] = ({*operator.template_ext}, fields)
    known = {name: ({*endings}, {*fields}) for name, (endings, fields) in OF_BUILT_INS.items()}
    assert known == expected


def test_lint_knows_the_settings_that_no_task_is_mapped_over() -> None:
    """Airflow gives them a value before a task is mapped."""
    with DAG("orders"):
        partial = EmptyOperator.partial(task_id="extract")
    assert set(partial.kwargs) == NOT_MAPPED
    partial.expand(doc=["a"])
