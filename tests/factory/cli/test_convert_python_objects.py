"""`factory convert` from Python: an object comes back as it was, or a finding says that it is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from factory.build.dag import build
from factory.build.python_made import imported, is_same
from factory.build.python_module import PythonModule
from factory.loading.from_python import converted
from schemas.check import Checker

OBJECTS = """\
from enum import Enum, IntEnum, StrEnum
from typing import NamedTuple
from airflow.sdk import BaseOperator
class Op(BaseOperator):
    def __init__(self, a=None, **kwargs):
        super().__init__(**kwargs)
        self.a = a
class Named:
    def __init__(self, size=10): self.size = size
class Slots:
    __slots__ = ("v",)
    def __init__(self, v=0): self.v = v
class Mangled:
    def __init__(self, n=1): self.__n = n
class OtherName:
    def __init__(self, size=10): self._s = size
class ManySlots:
    __slots__ = ("v",)
    def __init__(self, *v): self.v = v
class Computed:
    def __init__(self, size=10): self.size = size * 2
class Word(str): ...
class Seen(str):
    def __new__(cls, text, times=1):
        made = super().__new__(cls, text); made.times = times
        return made
class Table(dict): ...
class Rows(list): ...
class Count(int): ...
class Pair(NamedTuple):
    a: int
    b: str
class Pool(StrEnum):
    BIG = "big"
class Shade(str, Enum):
    RED = "red"
class Level(IntEnum):
    HIGH = 3
class Refuses(BaseOperator):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.is_made = True
    @property
    def doc(self):
        if vars(self).get("is_made"): raise RuntimeError("not now")
    @doc.setter
    def doc(self, value): ...
class Callback:
    def __init__(self, channel="all"): self._c = channel
    def __call__(self, context): ...
def tell(context, to=None): ...
"""
HEAD = """\
import collections, functools, pathlib, types, uuid
from datetime import datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo
import objects19 as o
import pendulum
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.sensors.date_time import DateTimeSensor
from airflow.providers.standard.sensors.time import TimeSensor
from airflow.providers.standard.utils.weekday import WeekDay
from airflow.timetables.events import EventsTimetable
from airflow.timetables.interval import CronDataIntervalTimetable
from airflow.timetables.trigger import CronTriggerTimetable, MultipleCronTriggerTimetable
from airflow.sdk import DAG, Asset, DeltaDataIntervalTimetable, Param, TaskGroup, literal
from dateutil.relativedelta import relativedelta
changed = o.Named(); changed.more = 1
"""


def made(folder: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, str, list[str]]:
    """The DAG of Python, its document, and what is said of it."""
    monkeypatch.syspath_prepend(str(folder))
    (folder / "objects19.py").write_text(OBJECTS)
    (folder / "shop19.py").write_text(HEAD + body)
    found = imported(folder / "shop19.py")
    (one,) = converted(found, "shop19.py")
    return found.dags[0], one.text, [f"{d.code.id} {d.message}" for d in one.findings]


def built(folder: Path, text: str) -> Any:
    (folder / "d.yaml").write_text(text)
    checked = Checker(folder).file("d.yaml")
    assert not checked.diagnostics
    return build(checked.pipelines[0])


def in_python(folder: Path, text: str) -> Any:
    """The DAG of the module that a document becomes."""
    (folder / "d.yaml").write_text(text)
    checker = Checker(folder)
    (pipeline,) = checker.file("d.yaml").pipelines
    module = folder / "back19.py"
    module.write_text(PythonModule(pipeline, checker.subject("d.yaml", "d").effective).text())
    (dag,) = imported(module).dags
    return dag


@pytest.mark.parametrize(
    "value",
    [
        *("o.Named(3)", "o.Slots(7)", "o.Mangled(5)", "o.Named(o.Slots(timedelta(1)))", "o.Named(True)"),
        *('Decimal("1.10")', "uuid.UUID(int=5)", "Fraction(1, 2)", "relativedelta(months=1, days=14)"),
        *("time(7, 30, tzinfo=timezone.utc)", 'time(7, 30, 0, 5, ZoneInfo("Asia/Tokyo"))', "timezone.utc"),
        *(
            "datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=5.5)))",
            "pendulum.duration(months=1, days=9, seconds=3)",
        ),
        *('pendulum.parse("2026-01-01T00:00:00+02:00")', 'ZoneInfo("Asia/Tokyo")', "timezone(timedelta(hours=2), 'x')"),
        *('Asset("q")', '[Asset("s3://x", group="g")]', 'o.Word("x")', "o.Table(a=1)", '[{"k": o.Word("y")}]'),
        *(
            "o.Pool.BIG",
            "o.Shade.RED",
            "o.Level.HIGH",
            '{"k": o.Pool.BIG}',
            "[o.Level.HIGH, WeekDay.SUNDAY]",
            'o.Pair(1, "x")',
        ),
        *(
            "collections.OrderedDict(a=1)",
            'collections.Counter("aab")',
        ),
    ],
)
def test_an_object_is_made_again(value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dag, text, said = made(tmp_path, f'with DAG("d", schedule=None): o.Op(task_id="a", a={value})\n', monkeypatch)

    assert said == []
    assert is_same(built(tmp_path, text).task_dict["a"].a, dag.task_dict["a"].a)
    assert is_same(in_python(tmp_path, text).task_dict["a"].a, dag.task_dict["a"].a)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        *(('pathlib.Path("/a")', "PosixPath"), ('pathlib.PurePosixPath("a/b")', "PurePosixPath")),
        *(("o.OtherName(99)", "OtherName"), ("o.ManySlots(1, 2)", "ManySlots"), ("o.Computed(3)", "Computed")),
        *(("changed", "Named"), ("o.Named(pathlib.Path('/a'))", "PosixPath"), ("range(3)", "range")),
    ],
)
def test_an_object_that_does_not_tell_is_named(
    value: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, text, said = made(tmp_path, f'with DAG("d", schedule=None): o.Op(task_id="a", a={value})\n', monkeypatch)

    assert said == [f"PF125 a value of type `{kind}` is not converted"]
    assert "with: {}" not in text


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('on_failure_callback=o.Callback("me")', "PF125 the arguments of a `Callback` are not known"),
        (
            "on_failure_callback=functools.partial(o.tell, to=pathlib.Path())",
            "PF125 `to` of `objects19.tell` is of type `PosixPath`, and notifications get text, numbers, lists, map",
        ),
        ('doc="x", task_id="a.b"', "PF125 the id `a.b` is not allowed here: letters, digits, `_` and `-`"),
        ('executor_config={"a": literal("{{ x }}")}', "PF125 a value of type `LiteralValue` is not converted"),
        ("retry_delay=pendulum.duration(months=1)", "PF125 1 month has months or years, and durations here are days"),
    ],
)
def test_what_has_no_place_in_yaml_is_named(
    body: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, said = made(
        tmp_path, f'with DAG("d", schedule=None): EmptyOperator(**{{"task_id": "a"}} | dict({body}))\n', monkeypatch
    )

    assert [one for one in said if one.startswith(found)] == said
    assert len(said) == 1


@pytest.mark.parametrize(
    "schedule", ["relativedelta(months=1)", "DeltaDataIntervalTimetable(relativedelta(days=1))", "timedelta(hours=1)"]
)
def test_a_schedule_of_months_is_made_again(schedule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = f'with DAG("d", schedule={schedule}, start_date=datetime(2026, 1, 1)): EmptyOperator(task_id="a")\n'
    dag, text, said = made(tmp_path, body, monkeypatch)

    assert said == []
    again = built(tmp_path, text).timetable
    assert getattr(again, "delta", getattr(again, "_delta", None)) == dag.timetable.delta


@pytest.mark.parametrize(
    "sensor",
    [
        'DateTimeSensor(task_id="a", target_time=datetime.fromisoformat("2026-01-01T00:00:00+02:00"))',
        'TimeSensor(task_id="a", target_time=time(7, 30, tzinfo=timezone.utc))',
        'TimeSensor(task_id="a", target_time=time(7, 30))',
    ],
)
def test_one_argument_does_not_lose_the_dag(sensor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dag, text, said = made(tmp_path, f'with DAG("d", schedule=None): {sensor}\n', monkeypatch)

    assert said == []
    again = built(tmp_path, text).task_dict["a"]._BaseOperator__init_kwargs["target_time"]
    assert is_same(again, dag.task_dict["a"]._BaseOperator__init_kwargs["target_time"])


@pytest.mark.parametrize(
    ("offset", "zone", "said"),
    [
        ("+09:00", "Etc/GMT-9", []),
        ("-03:00", "Etc/GMT+3", []),
        ("+00:00", None, []),
        ("+05:30", None, ["PF125 the time zone `+05:30` has no name"]),
    ],
)
def test_an_offset_of_whole_hours_has_a_name(
    offset: str, zone: str | None, said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    date = f'datetime.fromisoformat("2026-01-01T00:00:00{offset}")'
    body = f'with DAG("d", schedule="0 7 * * *", start_date={date}): EmptyOperator(task_id="a")\n'
    dag, text, found = made(tmp_path, body, monkeypatch)

    assert found == said
    assert yaml.safe_load(text).get("timezone") == zone
    assert built(tmp_path, text).start_date == dag.start_date


def test_the_description_of_a_param_is_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    param = 'Param("a", type="string", description="x ${env.HOME} $${q}")'
    body = f'with DAG("d", schedule=None, params={{"s": {param}}}): EmptyOperator(task_id="a")\n'
    dag, text, said = made(tmp_path, body, monkeypatch)

    assert said == []
    assert built(tmp_path, text).params.get_param("s").description == dag.params.get_param("s").description


def test_a_group_keeps_its_tooltip_and_waits_for_a_group_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = """\
with DAG("d", schedule=None):
    with TaskGroup("g", tooltip="g", group_display_name="g") as g:
        EmptyOperator(task_id="b")
        EmptyOperator(task_id="c")
    with TaskGroup("h") as h: EmptyOperator(task_id="e")
    g >> h
    [*g.children.values()] >> h
    g >> EmptyOperator(task_id="last")
"""
    _, text, said = made(tmp_path, body, monkeypatch)

    assert said == []
    entries = {one["id"]: one for one in yaml.safe_load(text)["tasks"]}
    assert (entries["g"]["tooltip"], entries["g"]["group_display_name"]) == ("g", "g")
    assert [entries[name]["needs"] for name in ("h", "last")] == [["g"], ["g"]]
