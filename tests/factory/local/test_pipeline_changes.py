"""Lines about pipelines, from the lists of DAGs and import errors that Airflow's API gives."""

from __future__ import annotations

from typing import Any

from factory.local.pipeline_changes import PipelineFile, compare, group_by_file, summary

PROBLEM = """\
error[unknown-key] PF102: unknown key `metod` in `poll`
  --> pipelines/orders.yaml:18:3
   |
18 |   metod: GET
   |   ^^^^^ did you mean `method`?

error[bad-cron] PF201: `61 * * * *` is no cron expression
  --> pipelines/orders.yaml:2:11
"""
MORE = "; did you mean `method`? ({} more: factory lint shows all)"


def dag(dag_id: str, schedule: str | None = "@daily", **more: Any) -> dict[str, Any]:
    given = {"relative_fileloc": f"{dag_id}.yaml.py", "is_stale": False, "is_paused": False}
    return {"dag_id": dag_id, "timetable_summary": schedule, **given, **more}


def changes(before: list[dict[str, Any]], after: list[dict[str, Any]], **errors: str) -> list[str]:
    old = group_by_file(before, [], {})
    listed = [{"filename": f"{name}.yaml.py", "stack_trace": text} for name, text in errors.items()]
    return told(old, group_by_file(after, listed, {}))


def told(old: dict[str, PipelineFile], new: dict[str, PipelineFile]) -> list[str]:
    events = [event for name in sorted(old | new) for event in compare(name, old.get(name), new.get(name))]
    return [" ".join(event.lines(wide=True).split()) for event in events]


def test_found_changed_removed() -> None:
    assert changes([], [dag("a"), dag("b", None, is_paused=True)]) == ["found a @daily", "found b no schedule (paused)"]
    assert changes([dag("a")], [dag("a", "@hourly")]) == ["changed a @daily → @hourly"]
    assert changes([dag("a")], [dag("a", is_stale=True)]) == ["removed a"]
    assert changes([dag("a")], [dag("a")]) == []


def test_a_broken_file_is_one_line_and_its_stale_dag_is_not_gone() -> None:
    broken = f"broken orders.yaml pipelines/orders.yaml:18:3: PF102: unknown key `metod` in `poll`{MORE.format(1)}"
    assert changes([dag("orders")], [dag("orders", is_stale=True)], orders=PROBLEM) == [broken]


def test_a_broken_file_is_told_by_an_error_though_a_warning_stands_before_it() -> None:
    warning = "warning[range-of-one] PF214: Airflow reads `3-3` as every hour\n  --> pipelines/orders.yaml:1:14\n  |\n"
    broken = f"broken a.yaml pipelines/orders.yaml:18:3: PF102: unknown key `metod` in `poll`{MORE.format(2)}"
    assert changes([], [], a=f"{warning}\n{PROBLEM}") == [broken]


def test_a_broken_file_is_told_with_lints_help() -> None:
    helped = (
        "error[bad-cron] PF201: a cron expression has 5 fields, this one has 1\n  --> pipelines/a.yaml:1:12\n  |\n"
        '1 | schedule: "7:00"\n  |            ^^^^\n  = help: for 07:00 every day\n          write "0 7 * * *"\n\n'
    )
    said = 'a cron expression has 5 fields, this one has 1; for 07:00 every day write "0 7 * * *"'
    line = f"broken a.yaml pipelines/a.yaml:1:12: PF201: {said} (2 more: factory lint shows all)"
    assert changes([], [], a=helped + PROBLEM) == [line]


def test_healed_whether_it_ever_ran_or_not() -> None:
    broken = group_by_file([], [{"filename": "a.yaml.py", "stack_trace": PROBLEM}], {})
    sound = group_by_file([dag("a")], [], {})
    assert told(broken, sound) == ["healed a @daily"]
    assert told(broken, {}) == ["removed a.yaml"]
    assert told(broken, broken) == []


def test_a_folder_that_cannot_be_read_is_called_by_its_own_name() -> None:
    error = {"filename": "team (not read).yaml.py", "stack_trace": "team/: cannot be read: Permission denied"}
    closed = group_by_file([], [error], {})
    assert told({}, closed) == ["broken team team/: cannot be read: Permission denied"]
    (name,) = closed
    (event,) = compare(name, closed[name], None, is_there=lambda path: path == "team")
    assert event.text.split() == ["healed", "team"]
    assert told(closed, {}) == ["removed team"]


def test_an_unread_file_is_told_once_whatever_there_was_of_it_before() -> None:
    unread = {"a.yaml.py": "the process that reads it exited with 126; see /log"}
    stale, error = dag("a", is_stale=True), {"filename": "a.yaml.py", "stack_trace": PROBLEM}
    line = "unread a.yaml could not be read by Airflow: the process that reads it exited with 126; see /log"
    for before in ({}, group_by_file([dag("a")], [], {}), group_by_file([], [error], {})):
        assert told(before, group_by_file([], [], unread)) == [line]
    sick, stale_and_sick = group_by_file([dag("a")], [], unread), group_by_file([stale], [], unread)
    assert told(sick, stale_and_sick) == []
    assert told(stale_and_sick, group_by_file([dag("a")], [], {})) == ["healed a @daily"]
    broken = f"broken a.yaml pipelines/orders.yaml:18:3: PF102: unknown key `metod` in `poll`{MORE.format(1)}"
    assert told(sick, group_by_file([stale], [error], {})) == [broken]


def test_an_events_message_is_bounded() -> None:
    (line,) = changes([], [], orders="ValueError: " + "very " * 1000)
    assert len(line) < 700
    assert line.endswith("…")


def test_pausing_is_no_change_of_the_schedule() -> None:
    assert changes([dag("a")], [dag("a", is_paused=True)]) == ["paused a @daily"]
    assert changes([dag("a", is_paused=True)], [dag("a")]) == ["resumed a @daily"]
    both = [dag("a", "@hourly", is_paused=True)]
    assert changes([dag("a")], both) == ["changed a @daily → @hourly", "paused a @hourly"]


def test_an_import_error_of_another_kind_is_the_line_that_tells_something() -> None:
    traceback = "Traceback (most recent call last):\n  File x\n    raise\n"
    chain = f"\n{traceback}KeyError: 'a'\n\nDuring handling:\n\n{traceback}ValueError: no\nmore\n\n"
    assert summary(chain) == "ValueError: no"
    timeout = "DagBag import timeout for a.py after 30.0s.\nPlease take a look at these docs:\n* https://docs\n"
    assert summary(timeout) == "DagBag import timeout for a.py after 30.0s."
    assert summary("") == "no message"
