"""`factory convert` from Python: what functions get, what tasks are mapped over, and data that looks like an object."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.equivalence.build_pairs import serialized
from tests.equivalence.compare import unlike

from .test_convert_python_objects import built, made

IMPORTS = """\
import json, math
from datetime import date
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.providers.standard.operators.python import BranchPythonOperator, PythonOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.providers.standard.sensors.time_delta import TimeDeltaSensor
from airflow.sdk import SyncCallback, DeadlineAlert, DeadlineReference, task, task_group
"""
LIKE_ONE = '{"$object": "os.getcwd", "with": {}}'
TAKES = "text, numbers, lists, mappings"


@pytest.mark.parametrize(
    "made_by",
    [
        "PythonOperator(task_id='a', python_callable=json.dumps, op_kwargs={'obj': VALUE})",
        "PythonOperator(task_id='a', python_callable=json.dumps, op_args=[VALUE])",
        "BranchPythonOperator(task_id='a', python_callable=json.dumps, op_kwargs={'obj': [VALUE]})",
        "task(json.dumps, task_id='a')(obj={'in': VALUE})",
        "BashOperator(task_id='a', bash_command='a', env={'A': VALUE})",
        "TriggerDagRunOperator(task_id='a', trigger_dag_id='x', conf=VALUE)",
        "EmptyOperator(task_id='a', executor_config={'a': VALUE})",
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        *("date(2026, 1, 2)", "datetime(2026, 1, 2, 3)", "time(6, 30)", "timedelta(minutes=5)", "b'x'"),
        *("math.inf", "o.Shade.RED", "relativedelta(days=1)"),
    ],
)
def test_a_value_is_the_same_wherever_an_object_may_be(
    made_by: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = f'{IMPORTS}with DAG("d", schedule=None):\n    {made_by.replace("VALUE", value)}\n'
    dag, text, said = made(tmp_path, body, monkeypatch)

    assert said == []
    assert unlike(serialized(dag), serialized(built(tmp_path, text))) == []


@pytest.mark.parametrize(
    ("made_by", "said", "written"),
    [
        (
            "task(json.dumps, task_id='a').expand(obj=[1, date(2026, 1, 2)])",
            f"PF125 `obj` is of type `date`, and tasks are mapped over {TAKES}",
            {"expand": {"obj": [1, "2026-01-02"]}},
        ),
        (
            "PythonOperator.partial(task_id='a', python_callable=json.dumps).expand(op_kwargs=[{'obj': time(6)}])",
            f"PF125 a value in `op_kwargs` is of type `time`, and tasks are mapped over {TAKES}",
            {"expand": {"op_kwargs": [{"obj": "06:00:00"}]}},
        ),
        (
            "task(json.dumps, task_id='a').expand_kwargs([{'obj': o.Named(3)}])",
            f"PF125 `obj` is of type `Named`, and tasks are mapped over {TAKES}",
            {"expand_kwargs": [{"obj": None}]},
        ),
        (
            "task(json.dumps, task_id='a').partial(obj=timedelta(1)).expand(indent=[1])",
            f"PF125 `obj` is of type `timedelta`, and a function gets {TAKES}",
            {"with": {"obj": "1d"}},
        ),
        (
            f"task(json.dumps, task_id='a').expand(obj=[{LIKE_ONE}])",
            "PF125 a mapping with the key `$object` makes an object here",
            {"expand": {"obj": [None]}},
        ),
        (
            f"PythonOperator(task_id='a', python_callable=json.dumps, op_kwargs={{'obj': [{LIKE_ONE}]}})",
            "PF125 a mapping with the key `$object` makes an object here",
            {"with": {"obj": [None]}},
        ),
        (
            f"o.Op(task_id='a', a={LIKE_ONE})",
            "PF125 a mapping with the key `$object` makes an object here",
            {"with": {"a": None}},
        ),
        (
            "task(json.dumps, task_id='a', email='a@b.c').expand(obj=[1])",
            "PF125 `email` has no place beside a function that is mapped",
            {"uses": "json.dumps", "expand": {"obj": [1]}},
        ),
        ("o.Op(task_id='a', a=-math.inf)", "PF125 `-inf` is no finite number", {"with": {"a": None}}),
        (
            "EmptyOperator(task_id='a', params={'p': Param(1, source='dag')})",
            "PF125 `source='dag'` of the param `p` has no place here",
            {"params": {"p": 1}},
        ),
        (
            "EmptyOperator(task_id='a', on_failure_callback=functools.partial(o.tell, to=date(2026, 1, 2)))",
            f"PF125 `to` of `objects19.tell` is of type `date`, and notifications get {TAKES}",
            {"notifications": {"on_failure": [{"uses": "objects19.tell", "with": {"to": "2026-01-02"}}]}},
        ),
    ],
)
def test_what_takes_no_object_has_its_line(
    made_by: str, said: str, written: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, text, found = made(tmp_path, f'{IMPORTS}with DAG("d", schedule=None):\n    {made_by}\n', monkeypatch)
    (entry,) = yaml.safe_load(text)["tasks"]

    assert found == [said]
    assert {key: entry.get(key) for key in written} == written


@pytest.mark.parametrize(
    "made_by",
    [
        "TimeDeltaSensor.partial(task_id='a').expand(delta=[timedelta(minutes=5), timedelta(hours=1)])",
        f"EmptyOperator(task_id='a', params={{'p': Param({LIKE_ONE}, type='object')}})",
        "EmptyOperator(task_id='a', outlets=[Asset('q', extra={'a': 1})])",
        "HITLOperator(task_id='a', subject='s', options=['y'], params={'of_dag': 1, 'own': 2})",
    ],
)
def test_data_that_is_data_here_too_is_the_same(made_by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = f'{IMPORTS}with DAG("d", schedule=None, params={{"of_dag": 1}}):\n    {made_by}\n'
    dag, text, said = made(tmp_path, body, monkeypatch)

    assert [one for one in said if not one.startswith("PF126")] == []
    assert unlike(serialized(dag), serialized(built(tmp_path, text))) == []


WHOLE = """\
START = DeadlineAlert(
    reference=DeadlineReference.DAGRUN_QUEUED_AT, interval=timedelta(1),
    callback=SyncCallback("objects19.tell", kwargs={"since": date(2026, 1, 2), "to": "me"}),
)
with DAG("d", schedule=None, params={"p": Param(1, source="task")}, deadline=START, user_defined_macros={
    "since": date(2026, 1, 2), "like": {"$object": "os.getcwd"},
}):
    EmptyOperator(task_id="a")
"""


def test_what_a_dag_has_is_read_likewise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, text, said = made(tmp_path, IMPORTS + WHOLE, monkeypatch)
    document = yaml.safe_load(text)

    assert sorted(said) == [
        f"PF125 `since` of `objects19.tell` is of type `date`, and notifications get {TAKES}",
        "PF125 `source='task'` of the param `p` has no place here",
        "PF125 a mapping with the key `$object` makes an object here",
    ]
    since = {"$object": "datetime.date", "with": {"year": 2026, "month": 1, "day": 2}}
    assert document["user_defined_macros"] == {"since": since, "like": None}
    assert document["deadline"][0]["notify"][0]["with"] == {"since": "2026-01-02", "to": "me"}
