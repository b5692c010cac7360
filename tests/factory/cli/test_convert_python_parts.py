"""`factory convert` from Python: values of classes of their own, the scheduler's timetables, and tasks that fail."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from factory.build.python_made import imported
from factory.loading.from_python import converted
from tests.equivalence.build_pairs import serialized
from tests.equivalence.compare import unlike

from .test_convert_python_objects import HEAD, OBJECTS, built, made


@pytest.mark.parametrize(
    ("task", "said", "entry"),
    [
        (
            'o.Op(task_id="a", a=o.Seen("x", 2))',
            "PF125 a value of type `Seen` is written as text: its class adds to that",
            {"uses": "objects19.Op", "with": {"a": "x"}},
        ),
        (
            'o.Op(task_id="a", a={"k": o.Rows([1])})',
            "PF125 a value of type `Rows` is written as a list: its class adds to that",
            {"uses": "objects19.Op", "with": {"a": {"k": [1]}}},
        ),
        (
            'o.Op(task_id="a", a=o.Count(3))',
            "PF125 a value of type `Count` is written as a number: its class adds to that",
            {"uses": "objects19.Op", "with": {"a": 3}},
        ),
        (
            'o.Op(task_id="a", a=collections.defaultdict(list, a=[1]))',
            "PF125 a value of type `defaultdict` is written as a mapping: its class adds to that",
            {"uses": "objects19.Op", "with": {"a": {"a": [1]}}},
        ),
        (
            'o.Op(task_id="a", a=types.MappingProxyType({"a": 1}))',
            "PF126 a value of type `mappingproxy` is written as a mapping",
            {"uses": "objects19.Op", "with": {"a": {"a": 1}}},
        ),
        (
            'o.Op(task_id="a", a={o.Shade.RED: 1})',
            "PF125 a value of type `Shade` is written as text: its class adds to that",
            {"uses": "objects19.Op", "with": {"a": {"red": 1}}},
        ),
        (
            'o.Op(task_id="a", a={o.Level.HIGH})',
            "PF126 a value of type `set` is written as a list",
            {"uses": "objects19.Op", "with": {"a": [{"$object": "objects19.Level.HIGH"}]}},
        ),
        (
            'EmptyOperator(task_id="a", pool=o.Pool.BIG)',
            "PF126 a value of type `Pool` is written as text",
            {"uses": "empty", "pool": "big"},
        ),
        (
            'EmptyOperator(task_id="a", priority_weight=o.Level.HIGH)',
            "PF126 a value of type `Level` is written as a number",
            {"uses": "empty", "priority_weight": 3},
        ),
        (
            'EmptyOperator(task_id="a", queue=o.Shade.RED)',
            "PF125 a value of type `Shade` is written as text: its class adds to that",
            {"uses": "empty", "queue": "red"},
        ),
        (
            'EmptyOperator(task_id="a", doc=o.Word("x"))',
            "PF126 a value of type `Word` is written as text",
            {"uses": "empty", "doc": "x"},
        ),
    ],
)
def test_a_value_of_a_class_of_its_own_is_not_plain_in_silence(
    task: str, said: str, entry: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, text, found = made(tmp_path, f'with DAG("d", schedule=None): {task}\n', monkeypatch)

    assert found == [said]
    assert yaml.safe_load(text)["tasks"] == [{"id": "a", **entry}]


FAILING = """\
with DAG("d", schedule=None):
    EmptyOperator(task_id="a")
    o.Refuses(task_id="b", retries=2)
    c = EmptyOperator(task_id="c", pool="p")
    with TaskGroup("g") as g:
        EmptyOperator(task_id="d")
    c >> EmptyOperator(task_id="e")
g.upstream_group_ids.add("nowhere")
with DAG("z", schedule="@once", tags=["t"]) as z:
    EmptyOperator(task_id="a")
z.tags.add(7)
"""


def test_what_fails_of_one_task_loses_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "objects19.py").write_text(OBJECTS)
    (tmp_path / "shop19.py").write_text(HEAD + FAILING)
    one, other = converted(imported(tmp_path / "shop19.py"), "shop19.py")
    first = HEAD.count("\n") + 1

    assert [(d.code.id, d.span.line - first, d.message) for d in one.findings] == [
        ("PF125", 2, "a setting of `b` is not converted: RuntimeError: not now"),
        ("PF125", 3, "what the group `g` waits for is not converted: KeyError: 'nowhere'"),
        ("PF125", 5, "what `g.d` waits for is not converted: KeyError: 'nowhere'"),
    ]
    assert yaml.safe_load(one.text)["tasks"] == [
        {"id": "a", "uses": "empty"},
        {"id": "b", "uses": "objects19.Refuses"},
        {"id": "c", "uses": "empty", "pool": "p"},
        {"id": "g", "tasks": [{"id": "d", "uses": "empty"}]},
        {"id": "e", "uses": "empty", "needs": ["c"]},
    ]
    (found,) = other.findings
    assert found.message.startswith("a field of the DAG is not converted: TypeError: '<' not supported")
    assert (found.file, found.span.line - first) == ("shop19.py", 8)
    entry = {"id": "a", "uses": "empty"}
    assert yaml.safe_load(other.text) == {"dag_id": "z", "schedule": "@once", "tasks": [entry]}


@pytest.mark.parametrize(
    "timetable",
    [
        'CronTriggerTimetable("0 1 * * *", timezone="Asia/Tokyo")',
        'CronTriggerTimetable("0 1 * * *", timezone="UTC", interval=timedelta(hours=1), run_immediately=True)',
        'CronDataIntervalTimetable("0 1 * * 1", timezone=pendulum.timezone("Europe/Rome"))',
        "EventsTimetable([pendulum.datetime(2026, 5, 1), pendulum.datetime(2026, 1, 1)], restrict_to_events=True)",
        'EventsTimetable([pendulum.datetime(2026, 5, 1, tz="Asia/Tokyo")], description="the fair")',
        'MultipleCronTriggerTimetable("0 5 * * *", "0 6 * * *", timezone="Europe/Rome")',
    ],
)
def test_the_schedulers_timetables_are_those_of_the_sdk(
    timetable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code that is older than Airflow 3 imports them from there."""
    body = f'with DAG("d", schedule={timetable}, start_date=datetime(2026, 1, 1)): EmptyOperator(task_id="a")\n'
    dag, text, said = made(tmp_path, body, monkeypatch)

    assert said == []
    assert unlike(serialized(dag), serialized(built(tmp_path, text))) == []


LABELS = """\
from airflow.sdk import Label, task
with DAG("d", schedule=None) as dag:
    a = EmptyOperator(task_id="a")
    with TaskGroup("g") as g:
        EmptyOperator(task_id="x")
        EmptyOperator(task_id="y")
    with TaskGroup("h") as h:
        EmptyOperator(task_id="x")
    a >> Label("one") >> g >> Label("two") >> h >> Label("three") >> EmptyOperator(task_id="z")
    a >> Label("own") >> dag.task_dict["g.y"]
"""


def test_a_label_is_said_once_of_a_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, said = made(tmp_path, LABELS, monkeypatch)

    edges = ("one` of the edge from `a` to `g", "own` of the edge from `a` to `g.y")
    edges += ("two` of the edge from `g` to `h", "three` of the edge from `h` to `z")
    assert sorted(said) == sorted(f"PF125 the label `{edge}` has no place here" for edge in edges)


CONDITIONS = """\
from airflow.sdk import task
def always(context): return True
with DAG("d", schedule=None):
    task.run_if(always)(task(o.tell, task_id="a"))(1)
    task.run_if(o.tell)(task.skip_if(always)(task(o.tell, task_id="b")))(1)
"""


def test_a_condition_is_named_by_its_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, text, said = made(tmp_path, CONDITIONS, monkeypatch)

    names = ("`always`", "`always`, `tell`")
    assert said == [f"PF125 the condition {name} of a task is not converted" for name in names]
    assert "pre_execute" not in {key for entry in yaml.safe_load(text)["tasks"] for key, one in entry.items() if one}


def test_the_schedulers_schedule_by_assets_or_time_is_that_of_the_sdk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = """\
from airflow.sdk import AssetAlias, AssetAny
from airflow.timetables.assets import AssetOrTimeSchedule
CRON = CronTriggerTimetable("0 1 * * *", timezone="UTC")
ASSETS = AssetAny(Asset("a", "s3://a", group="g", extra={"x": 1}), AssetAlias("b"))
with DAG("d", schedule=AssetOrTimeSchedule(timetable=CRON, assets=ASSETS), start_date=datetime(2026, 1, 1)):
    EmptyOperator(task_id="a")
"""
    dag, text, said = made(tmp_path, body, monkeypatch)

    assert said == []
    assert unlike(serialized(dag), serialized(built(tmp_path, text))) == []


def test_a_variable_that_is_read_at_import_is_said(tmp_path: Path) -> None:
    head = (
        "import os\nfrom airflow.sdk import DAG, Variable\nimport airflow.providers.standard.operators.bash as bash\n"
    )
    body = (
        'STAGE = os.environ.get("STAGE19", "dev")\n'
        "def later():\n"
        '    return os.environ["STAGE19"]\n'
        'with DAG("d", tags=[STAGE, os.getenv("TAG19", "x")]):\n'
        '    bash.BashOperator(task_id="a", bash_command="a", env={"A": os.environ["PATH"]})\n'
        '    bash.BashOperator(task_id="b", bash_command="a", env={"A": {"os.environ": "b"}["os.environ"]})\n'
    )
    (tmp_path / "d19.py").write_text(head + body)

    (one,) = converted(imported(tmp_path / "d19.py"), "d19.py")

    said = [(d.span.line, d.code.id, d.message.partition(" gives")[0]) for d in one.findings]
    assert sorted(said) == [
        (4, "PF126", "what `os.environ.get`"),
        (7, "PF126", "what `os.getenv`"),
        (8, "PF126", "what `os.environ`"),
    ]
