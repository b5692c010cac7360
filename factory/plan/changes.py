"""What is different between one DAG before and after, in Airflow's words."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from factory.plan.contents import HIDDEN, LONGEST_VALUE, Contents, Dag, Task, Value, same
from factory.plan.schedule import Timing, shown_moment, timing
from factory.reporters.text import sentence

MOST_RUNS = 10_000
"""More runs of a catchup are not counted."""
NEXT_RUNS = 3
MOST_CLOCK_CHANGES = 2

_TIMES = ("schedule", "timezone", "start_date", "end_date", "catchup")
_TOLD_IN_WORDS = frozenset({"schedule", *(f"schedule.{key}" for key in ("cron", "timezone", "every", "timetable"))})
"""What a schedule in words says all of: the same words mean the same runs, however they are written."""
_GROUPS = {
    "params": "param",
    "notifications": "notification",
    "default_args": "default",
    "access_control": "access",
}


@dataclass(frozen=True)
class Change:
    """One difference. `place` is `file:line`. `loses`: history, runs or data may be lost, or runs start unasked."""

    kind: str
    text: str
    place: str = ""
    loses: bool = False
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """What happens to one DAG, or, of a broken file, to all of its DAGs. `reasons`: the files that touch it."""

    kind: str
    dag_id: str
    path: str
    environment: str | None = None
    changes: tuple[Change, ...] = ()
    needs: tuple[tuple[str, str], ...] = ()
    reasons: tuple[str, ...] = ()
    old_id: str = ""

    @property
    def loses(self) -> bool:
        return self.kind in ("broken", "removed", "renamed") or any(change.loses for change in self.changes)


def changes(before: Dag, after: Dag, now: datetime) -> list[Change]:
    """Everything that is different, what can lose something first."""
    found = [*_times(before, after, now), *_tasks(before.tasks, after.tasks), *_settings(before, after)]
    return sorted(found, key=lambda change: not change.loses)


def first_runs(dag: Dag, now: datetime) -> list[Change]:
    """What a new DAG will run, and when."""
    when = timing(dag.data)
    found = [
        Change(
            "schedule", f"schedule: {when.words()}", _place_of(dag, "schedule"), details=_next(when, now, "next runs")
        )
    ]
    return [*found, *_catchup(None, when, dag, now)]


def _times(before: Dag, after: Dag, now: datetime) -> Iterator[Change]:
    old, new = timing(before.data), timing(after.data)
    names = [name for name in _names(before.settings, after.settings) if name.partition(".")[0] in _TIMES]
    written = [name for name in names if _differs(before.settings.get(name), after.settings.get(name))]
    told = _TOLD_IN_WORDS
    stop = _stop(old, new, now)
    runs = (*_next(old, now, "next runs before"), *_next(new, now, "next runs after"))
    if _meaning(old) != _meaning(new):
        details = (*runs, *new.clock_changes(now)[:MOST_CLOCK_CHANGES])
        text = f"schedule: {_written(old)} → {_written(new)}"
        loses = bool(old.crons or old.other) and not (new.crons or new.other)
        yield Change("schedule", text, _place_of(after, "schedule"), loses=loses, details=details)
        told |= {"timezone", *(name for name in written if name.startswith("schedule.assets"))}
        runs = ()
    if stop:
        name = next((name for name in ("start_date", "end_date", "timezone") if name in written), "schedule")
        yield Change("schedule", stop, _place_of(after, name), loses=True, details=runs)
    for name in written:
        if name not in told:
            kind = "schedule" if name.startswith("schedule") else "setting"
            yield _value_change(kind, name, before.settings.get(name), after.settings.get(name))
    yield from _catchup(old if before.id == after.id else None, new, after, now)


def _stop(old: Timing, new: Timing, now: datetime) -> str:
    """That runs which were to come do not come any more, or only much later; empty where they do."""
    was, is_now = (_first(when, now) for when in (old, new))
    if was is None or not (new.crons or new.other):
        return ""
    if is_now is None:
        return f"no run follows any more{': end_date is in the past' if new.end is not None else ''}"
    begins_later = new.start is not None and new.start > was and (old.start is None or new.start > old.start)
    return f"no run before {shown_moment(is_now, new.zone)}: start_date is later" if begins_later else ""


def _first(when: Timing, now: datetime) -> datetime | None:
    """The moment of the first run after `now`; of what no clock starts, from when on it can run."""
    if when.crons:
        return next(when.runs(now), None)
    first = max(now, when.start or now)
    return first if when.other and (when.end is None or when.end > first) else None


def _catchup(old: Timing | None, new: Timing, dag: Dag, now: datetime) -> Iterator[Change]:
    """Runs that catchup makes. Airflow goes on from the last run, so that another cron makes none."""
    made = new.missed(now, MOST_RUNS)
    if old is not None and old.catchup and old.crons and old.start is not None and new.start is not None:
        made = made if new.start < old.start else 0
    if made and new.start is not None:
        count = f"{made:,}" if made < MOST_RUNS else f"more than {MOST_RUNS:,}"
        text = f"catchup makes {count} runs, since {shown_moment(new.start, new.zone)}"
        unless = ", unless it has run before: Airflow goes on from the last run" if old and old.crons else ""
        yield Change("catchup", f"{text}{unless}", _place_of(dag, "catchup"), loses=True)


def _next(when: Timing, now: datetime, label: str) -> tuple[str, ...]:
    if not when.crons:
        return ()
    runs = when.next_runs(now, NEXT_RUNS)
    return (f"{label}: {', '.join(shown_moment(run, when.zone) for run in runs) or 'none'}",)


def _meaning(when: Timing) -> tuple[object, ...]:
    """What makes its runs; the order of several crons makes no difference."""
    return frozenset(when.crons), when.crons and when.zone.key, when.other


def _written(when: Timing) -> str:
    crons = ", ".join(f'"{cron}"' for cron in when.crons)
    return f"{crons} {when.words()}" if crons else when.words()


def _tasks(before: Mapping[str, Task], after: Mapping[str, Task]) -> Iterator[Change]:
    gone = [task for name, task in before.items() if name not in after]
    new = [task for name, task in after.items() if name not in before]
    renamed = dict(_renamed(gone, new))
    for old_id, new_id in renamed.items():
        yield Change(
            "task",
            f"task `{old_id}` is renamed to `{new_id}`: its history stays under the old id",
            after[new_id].place,
            loses=True,
        )
    for task in gone:
        if task.id not in renamed:
            yield Change("task", f"task `{task.id}` is removed", task.place, loses=True)
    for task in new:
        if task.id not in renamed.values():
            uses = task.values.get("uses")
            yield Change("task", f"task `{task.id}` is added{f' ({uses.shown})' if uses else ''}", task.place)
    for name, task in after.items():
        old = before.get(name)
        if old is not None:
            yield from _of_task(old, task, renamed, _ancestors(after, name))


def _renamed(gone: list[Task], new: list[Task]) -> Iterator[tuple[str, str]]:
    """Pairs of a task that went and the only one that came with the same values."""
    for task in gone:
        alike = [other for other in new if other.likeness == task.likeness]
        if len(alike) == 1 and sum(other.likeness == task.likeness for other in gone) == 1:
            yield task.id, alike[0].id


def _ancestors(tasks: Mapping[str, Task], name: str) -> set[str]:
    """All that a task waits for, directly or through others."""
    found: set[str] = set()
    left = [name]
    while left:
        task = tasks.get(left.pop())
        fresh = task.needs - found if task is not None else frozenset()
        found |= fresh
        left += fresh
    return found


def _of_task(old: Task, new: Task, renamed: Mapping[str, str], ancestors: Container[str]) -> Iterator[Change]:
    before = {renamed.get(name, name) for name in old.needs}
    for name in sorted(new.needs - before):
        yield Change("dependency", f"task `{new.id}` now waits for `{name}`", new.place)
    for name in sorted(before - new.needs):
        through = name in ancestors
        waits = f"waits for `{name}` through others now" if through else f"no longer waits for `{name}`"
        text = f"task `{new.id}` {waits}"
        yield Change("dependency", text, new.place, loses=not through)
    for name in _names(old.values, new.values):
        one, other = old.values.get(name), new.values.get(name)
        if _differs(one, other):
            kind = "asset" if name in ("inlets", "outlets") else "argument"
            yield _value_change(kind, name, one, other, f"task `{new.id}`: ", lost=name == "outlets")


def _settings(before: Dag, after: Dag) -> Iterator[Change]:
    for name in _names(before.settings, after.settings):
        top = name.partition(".")[0]
        if top in _TIMES or top in ("dag_id", "vars", "matrix"):
            continue
        one, other = before.settings.get(name), after.settings.get(name)
        if _differs(one, other):
            yield _value_change(_GROUPS.get(top, "setting"), name, one, other)


def _value_change(
    kind: str, name: str, old: Value | None, new: Value | None, prefix: str = "", *, lost: bool = False
) -> Change:
    if new is None:
        was = f" (was {old.shown})" if old is not None else ""
        return Change(kind, f"{prefix}{name} is removed{was}", old.place if old is not None else "", loses=lost)
    if old is None:
        return Change(kind, f"{prefix}{name}: {new.shown}", new.place)
    return Change(kind, f"{prefix}{name}: {' → '.join(_apart(old, new))}", new.place, loses=lost)


def _apart(old: Value, new: Value) -> tuple[str, str]:
    """Both as they are shown, so that they do not look the same."""
    for one, other in ((old.text, new.text), (old.as_json, new.as_json)):
        if one != other:
            same_start = next((n for n, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
            start = min(len(one), len(other)) if same_start is None else same_start
            return _around(one, start), _around(other, start)
    return _around(old.text, max(0, old.text.find(HIDDEN))), f"another {HIDDEN}"


def _around(text: str, position: int) -> str:
    """The part of a long text that a position is in."""
    if len(text) <= LONGEST_VALUE:
        return text
    start = max(0, position - LONGEST_VALUE // 2) if position >= LONGEST_VALUE - 1 else 0
    end = start + LONGEST_VALUE - 1 - bool(start)
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"


def _differs(one: Value | None, other: Value | None) -> bool:
    return not same(one.data if one is not None else ..., other.data if other is not None else ...)


def _names(one: Mapping[str, Value], other: Mapping[str, Value]) -> list[str]:
    return list(dict.fromkeys([*one, *other]))


def _place_of(dag: Dag, name: str) -> str:
    found = next((value.place for key, value in dag.settings.items() if key.partition(".")[0] == name), None)
    return found or f"{dag.path}:1"


def forbidden(before: Dag | None, after: Dag) -> Iterator[Change]:
    """What the team's policy does not allow, and did not have to before."""
    known = {d.message for d in before.forbidden} if before is not None else ()
    for d in after.forbidden:
        if d.message not in known:
            yield Change("policy", f"{d.code.id} {sentence(d)}", f"{d.file}:{d.span.line}")


def renamed(old: Contents, new: Contents) -> dict[str, str]:
    """The old id of each DAG that went under another: the only one that came with its tasks and schedule, or the only
    one that came in its own file, where that has one of its tasks."""
    gone = [dag for key, dag in old.dags.items() if key not in new.dags and key[1] is None]
    came = [dag for key, dag in new.dags.items() if key not in old.dags and key[1] is None]
    gone = [dag for dag in gone if dag.path not in {*old.failing, *new.broken}]
    came = [dag for dag in came if dag.path not in {*old.failing, *new.broken}]
    found: dict[str, str] = {}
    for alike in (_alike, _in_one_file):
        for dag in [dag for dag in gone if dag.id not in found.values()]:
            others = [other for other in came if other.id not in found and alike(dag, other)]
            if len(others) == 1 and sum(alike(each, others[0]) for each in gone) == 1:
                found[others[0].id] = dag.id
    return found


def _alike(one: Dag, other: Dag) -> bool:
    return bool(one.tasks) and _form(one) == _form(other) and one.data.get("schedule") == other.data.get("schedule")


def _in_one_file(one: Dag, other: Dag) -> bool:
    return one.path == other.path and bool(one.tasks.keys() & other.tasks.keys())


def _form(dag: Dag) -> Mapping[str, object]:
    return {name: (task.likeness, task.needs) for name, task in dag.tasks.items()}
