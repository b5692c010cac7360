"""`factory convert` from Python: what keeps its meaning in another form, and what is said where it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from factory.build.python_made import imported
from factory.loading.from_python import converted

HEAD = """\
import functools
from datetime import date, datetime, timedelta
import steps19
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import AssetOrTimeSchedule, DeltaTriggerTimetable, MultipleCronTriggerTimetable
from airflow.sdk import DAG, Asset, Label, TaskGroup, task
"""
STEPS = """\
def plain(x=None): ...
def many(a, *rest): ...
def only_by_place(a, b, /): ...
def tell(context, to=None): ...
"""
SQL = 'SQLExecuteQueryOperator(task_id="a", conn_id="c", sql="select 1", parameters={})'


def made(folder: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, object], list[str]]]:
    monkeypatch.syspath_prepend(str(folder))
    (folder / "steps19.py").write_text(STEPS)
    (folder / "shop19.py").write_text(HEAD + body)
    found = converted(imported(folder / "shop19.py"), "shop19.py")
    return [
        (yaml.safe_load(one.text), [f"{d.span.line - 9} {d.code.id} {d.message}" for d in one.findings])
        for one in found
    ]


CLASS = "airflow.providers.standard.operators.python.PythonOperator"
ROWS = [{"bash_command": "b", "cwd": "/x"}]
IN_ROOT = {"with": {"cwd": "/"}}
WITH_ROWS = f'BashOperator.partial(task_id="a", cwd="/").expand_kwargs({ROWS}'
RESOURCES = {"cpus": 2, "ram": 512, "disk": 512, "gpus": 0}
IN_GROUP = 'EmptyOperator(task_id="b", task_group=TaskGroup("g")).task_group'
MAPPED = 'a = BashOperator.partial(task_id="a").expand(bash_command=["a"])'
OF_AN_OBJECT = "2 PF125 a mapping with the key `$object` makes an object here"
BASH = "airflow.providers.standard.operators.bash.BashOperator"


@pytest.mark.parametrize(
    ("task", "entry"),
    [
        (
            'PythonOperator.partial(task_id="a", python_callable=steps19.plain).expand(op_kwargs=[{"x": 1}])',
            {
                "uses": CLASS,
                "with": {"python_callable": {"$object": "steps19.plain"}},
                "expand": {"op_kwargs": [{"x": 1}]},
            },
        ),
        (
            'PythonOperator.partial(task_id="a", python_callable=steps19.plain).expand(op_args=[[1]])',
            {"uses": CLASS, "with": {"python_callable": {"$object": "steps19.plain"}}, "expand": {"op_args": [[1]]}},
        ),
        (
            'PythonOperator(task_id="a", python_callable=steps19.many, op_args=[1, 2, 3])',
            {"uses": CLASS, "with": {"python_callable": {"$object": "steps19.many"}, "op_args": [1, 2, 3]}},
        ),
        (
            'PythonOperator(task_id="a", python_callable=steps19.only_by_place, op_args=[1, 2])',
            {"uses": CLASS, "with": {"python_callable": {"$object": "steps19.only_by_place"}, "op_args": [1, 2]}},
        ),
        (
            'PythonOperator(task_id="a", python_callable=functools.partial(steps19.plain, x=1))',
            {"uses": "steps19.plain", "with": {"x": 1}},
        ),
        (
            WITH_ROWS.replace(", 'cwd': '/x'", "") + ")",
            {"uses": "bash", "expand_kwargs": [{"bash_command": "b"}]} | IN_ROOT,
        ),
        (WITH_ROWS + ")", {"uses": BASH, "expand_kwargs": ROWS} | IN_ROOT),
        (WITH_ROWS + ", strict=False)", {"uses": "bash", "expand_kwargs": ROWS} | IN_ROOT),
        (
            'task(multiple_outputs=True, task_id="a", resources={"cpus": 2})(steps19.plain).expand(x=[1])',
            {"uses": "steps19.plain", "multiple_outputs": True, "expand": {"x": [1]}, "resources": RESOURCES},
        ),
        ('EmptyOperator(task_id="a", inlets=Asset("x"))', {"uses": "empty", "inlets": ["x"]}),
        ('EmptyOperator(task_id="a", retry_delay=300)', {"uses": "empty", "retry_delay": "5m"}),
        (
            'BashOperator(task_id="a", bash_command="${each.x} $${cursor.y} $${z}")',
            {"uses": "bash", "with": {"bash_command": "$${each.x} $$$${cursor.y} $$$${z}"}},
        ),
        (
            'EmptyOperator(task_id="a", on_failure_callback=functools.partial(steps19.tell, to="me"))',
            {"uses": "empty", "notifications": {"on_failure": [{"uses": "steps19.tell", "with": {"to": "me"}}]}},
        ),
        (
            SQL.format('{"d": date(2026, 1, 2), "t": timedelta(minutes=1)}'),
            {
                "uses": "airflow.providers.common.sql.operators.sql.SQLExecuteQueryOperator",
                "with": {
                    "conn_id": "c",
                    "sql": "select 1",
                    "parameters": {
                        "d": {"$object": "datetime.date", "with": {"year": 2026, "month": 1, "day": 2}},
                        "t": {"$object": "datetime.timedelta", "with": {"seconds": 60}},
                    },
                },
            },
        ),
    ],
)
def test_what_python_says_otherwise_keeps_its_meaning(
    task: str, entry: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((document, said),) = made(tmp_path, f'with DAG("d"):\n    {task}\n', monkeypatch)

    assert said == []
    assert document["tasks"] == [{"id": "a", **entry}]


@pytest.mark.parametrize(
    ("task", "found"),
    [
        (SQL.format("{7: 1}"), "2 PF125 the key `7` is a value of type `int`, and keys are text here"),
        (SQL.format('{"t": (1, 2)}'), "2 PF126 a value of type `tuple` is written as a list"),
        (SQL.format('{"t": {1, "a"}}'), "2 PF126 a value of type `set` is written as a list"),
        (SQL.format("{'b': (n for n in ())}"), "2 PF125 a value of type `generator` is not converted"),
        (
            'EmptyOperator(task_id="a", on_failure_callback=functools.partial(steps19.tell, 1))',
            "2 PF125 `steps19.tell` is given 1 arguments without a name",
        ),
        (
            'b = EmptyOperator(task_id="b"); BashOperator(task_id="a", bash_command="a", env={"A": b.output["k.x"]})',
            "2 PF125 the output `k.x` of `b` cannot be named here",
        ),
        (
            'dag.timetable = AssetOrTimeSchedule(timetable=DeltaTriggerTimetable(timedelta(1)), assets=Asset("a")); '
            'EmptyOperator(task_id="a")',
            "1 PF125 beside assets, a schedule here is a cron expression, and no `DeltaTriggerTimetable`",
        ),
        (SQL.format('{"x": [{"$object": "a.b"}]}'), OF_AN_OBJECT),
        ('EmptyOperator(task_id="a", executor_config={"$object": "a.b"})', OF_AN_OBJECT),
        ('EmptyOperator(task_id="a", inlets=[Asset.ref(name="x")])', "2 PF125 `Asset.ref(name='x')` has no equivalent"),
        (
            "b = task(steps19.plain)(); "
            'PythonOperator.partial(task_id="a", python_callable=steps19.plain).expand_kwargs(b, strict=False)',
            "2 PF125 `strict=False`: what a row gives although `partial` does holds in Airflow, and fails here",
        ),
        (MAPPED + "; a.template_fields = ()", "2 PF125 `template_fields` is set on `a`, and here it is always its"),
        ('dag.sla_miss_callback = 1; EmptyOperator(task_id="a")', "1 PF125 `sla_miss_callback` has no place here"),
        (
            'g = type("Mine", (TaskGroup,), {})("g"); EmptyOperator(task_id="b", task_group=g)',
            "1 PF126 what the class `Mine` does beside Airflow's is not carried over",
        ),
        (
            IN_GROUP + ' >> Label("l") >> EmptyOperator(task_id="a")',
            "2 PF125 the label `l` of the edge from `g` to `a` has",
        ),
        (
            'EmptyOperator.partial(task_id="a").expand(pool=["p", "q"])',
            "2 PF125 the task is mapped over `pool`, and a setting is the same for all mapped tasks here",
        ),
        ('TaskGroup("g"); EmptyOperator(task_id="a")', "1 PF126 the group `g` is left out: it has no task"),
    ],
)
def test_what_yaml_does_not_hold_has_its_line(
    task: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((_, said),) = made(tmp_path, f'with DAG("d") as dag:\n    {task}\n', monkeypatch)

    assert [one for one in said if one.startswith(found)] == said[:1]
    assert len(said) == 1


SEVERAL = """\
with DAG("z", schedule=MultipleCronTriggerTimetable("0 1 * * *", timezone="UTC", interval=timedelta(hours=1))):
    EmptyOperator(task_id="a")
with DAG("a", default_args={"email": ["a@x.org"], "email_on_failure": False, "email_on_retry": False, "cwd": "/"}):
    PythonOperator(task_id="a", python_callable=steps19.plain)
    BashOperator(task_id="b", bash_command="b")
with DAG("m", params={"p": {"x": 1}}):
    EmptyOperator(task_id="a")
"""


def test_dags_and_what_is_said_of_them_are_where_the_file_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (z, of_z), (a, of_a), (m, of_m) = made(tmp_path, SEVERAL, monkeypatch)

    assert [one["dag_id"] for one in (z, a, m)] == ["z", "a", "m"]
    assert of_z == ["1 PF125 `interval` of a `MultipleCronTriggerTimetable` has no place here"]
    assert sorted(of_a) == [
        "3 PF126 `cwd` in `default_args` is no setting of every task: it is written into each one that takes it",
        "3 PF126 `email` is left out: no mail is sent to it",
    ]
    assert a["tasks"] == [
        {"id": "a", "uses": "steps19.plain"},
        {"id": "b", "uses": "bash", "with": {"bash_command": "b", "cwd": "/"}},
    ]
    assert of_m == ["6 PF126 the param `p` gets `type: object`: a mapping alone would be its schema"]


def test_what_differs_from_around_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is what Airflow takes by itself, of a mapped task and of a group."""
    body = """\
with DAG("around19", schedule=None, default_args={"retries": 2, "execution_timeout": timedelta(hours=1)}):
    BashOperator.partial(task_id="m", retries=0).expand(bash_command=["a"])
    BashOperator.partial(task_id="n").expand(bash_command=["a"])
    with TaskGroup("g", default_args={"execution_timeout": None}):
        EmptyOperator(task_id="e")
"""
    ((document, findings),) = made(tmp_path, body, monkeypatch)
    mapped, plain, group = document["tasks"]  # type: ignore[misc] # a list of three
    assert mapped["retries"] == 0
    assert "retries" not in plain
    assert group["default_args"] == {"execution_timeout": None}
    assert not findings


def test_dates_of_tasks_are_airflows_moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow takes a date without a zone in UTC, whatever the DAG's zone is, and keeps those of mapped tasks apart."""
    body = """\
from zoneinfo import ZoneInfo
with DAG("dates19", schedule=None, start_date=datetime(2024, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")),
         default_args={"start_date": datetime(2024, 2, 1)}):
    EmptyOperator(task_id="a", end_date=datetime(2025, 7, 1, 12))
    EmptyOperator(task_id="b", start_date=datetime(2024, 3, 1, tzinfo=ZoneInfo("Asia/Tokyo")))
    BashOperator.partial(task_id="m", start_date=datetime(2024, 3, 1), end_date=datetime(2025, 3, 1)).expand(
        bash_command=["a"]
    )
    BashOperator.partial(task_id="n").expand(bash_command=["a"])
    task(steps19.plain, task_id="f", start_date=datetime(2024, 1, 1, tzinfo=ZoneInfo("Europe/Berlin"))).expand(x=[1])
    with TaskGroup("g", default_args={"start_date": datetime(2024, 6, 1)}):
        EmptyOperator(task_id="e")
with DAG("plain19", schedule=None, start_date=datetime(2024, 1, 1)):
    BashOperator.partial(task_id="m").expand(bash_command=["a"])
    BashOperator.partial(task_id="n", start_date=datetime(2024, 2, 1)).expand(bash_command=["a"])
"""
    found = made(tmp_path, body, monkeypatch)

    assert [_dates(one) for document, _ in found for one in (document, *document["tasks"])] == [  # type: ignore[misc] # a list
        {"start_date": "2024-01-01", "default_args": {"start_date": "2024-02-01T01:00:00"}},
        {"end_date": "2025-07-01T14:00:00"},
        {"start_date": "2024-03-01T00:00:00+09:00"},
        {"start_date": "2024-03-01T01:00:00", "end_date": "2025-03-01T01:00:00"},
        {},
        {"start_date": "2024-01-01"},
        {"default_args": {"start_date": "2024-06-01T02:00:00"}},
        {"start_date": "2024-01-01"},
        {},
        {"start_date": "2024-02-01"},
    ]
    assert not [finding for _, findings in found for finding in findings]


def _dates(entry: dict[str, object]) -> dict[str, object]:
    known = ("start_date", "end_date", "default_args")
    return {key: held if isinstance(held, dict) else str(held) for key, held in entry.items() if key in known}


FLOW = """\
from airflow.sdk import dag
@dag(schedule=None, tags=["${env.HOME}"], render_template_as_native_obj=NATIVE)
def flow19(n=3, region="eu"):
    with TaskGroup("g", tooltip="$${x} ${env.HOME}"):
        BashOperator(task_id="b", bash_command="b", env={"N": n, "R": region})
        task(steps19.plain, task_id="f")(n)
flow19()
"""


@pytest.mark.parametrize(("native", "lines"), [(False, [14, 15]), (True, [])])
def test_arguments_of_a_dags_function_are_params(
    native: bool, lines: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((document, findings),) = made(tmp_path, FLOW.replace("NATIVE", str(native)), monkeypatch)

    text = "PF126 `n` of the DAG's function is written as a template, which gives text"
    assert findings == [f"{line - 9} {text}" for line in lines]
    assert document["params"] == {"n": 3, "region": "eu"}
    assert document["tags"] == ["$${env.HOME}"]
    env = {"N": "{{ params.n }}", "R": "{{ params.region }}"}
    assert document["tasks"] == [
        {
            "id": "g",
            "tooltip": "$$$${x} $${env.HOME}",
            "tasks": [
                {"id": "b", "uses": "bash", "with": {"bash_command": "b", "env": env}},
                {"id": "f", "uses": "steps19.plain", "with": {"x": "{{ params.n }}"}},
            ],
        }
    ]
