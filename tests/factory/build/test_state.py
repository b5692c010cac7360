"""Which tasks a poll's state waits for, and how many runs there may be."""

from __future__ import annotations

import pytest
from airflow.sdk import DAG

from .built_dags import built

POLL = "poll: {url: 'http://localhost/x', change_detection: hash}\n"


def waits_for(dag: DAG, task_id: str = "poll_commit") -> set[str]:
    return dag.task_dict[task_id].upstream_task_ids


def test_the_commit_waits_for_the_last_tasks_and_for_failures_that_do_not_reach_them() -> None:
    dag = built(
        POLL
        + """
tasks:
  - {id: check, uses: empty}
  - {id: load, uses: empty, needs: [check]}
  - {id: tidy, uses: empty, needs: [load], trigger_rule: all_done}
  - {id: alert, uses: empty, needs: [check], trigger_rule: one_failed}
  - {id: tell, uses: empty, needs: [check]}
"""
    )
    assert waits_for(dag) == {"poll", "load", "tidy", "alert", "tell"}


def test_tasks_that_pass_failures_on_are_not_waited_for() -> None:
    dag = built(
        POLL
        + """
tasks:
  - {id: check, uses: empty}
  - {id: load, uses: empty, needs: [check], trigger_rule: none_failed}
"""
    )
    assert waits_for(dag) == {"poll", "load"}


def test_what_is_beside_another_task_is_waited_for() -> None:
    """`done` is skipped with `quiet`, whatever becomes of `load`."""
    dag = built(
        POLL
        + """
tasks:
  - {id: check, uses: empty}
  - {id: load, uses: empty, needs: [check]}
  - {id: quiet, uses: empty, skip_if: "{{ 1 }}"}
  - {id: done, uses: empty, needs: [load, quiet]}
"""
    )
    assert waits_for(dag) == {"poll", "load", "quiet", "done"}


def test_what_is_skipped_with_the_task_before_it_is_not_beside_it() -> None:
    text = """
tasks:
  - {id: check, uses: empty}
  - {id: load, uses: empty, needs: [check]RULE}
  - {id: done, uses: empty, needs: [poll, check, load]}
"""
    assert waits_for(built(POLL + text.replace("RULE", ""))) == {"poll", "done"}
    runs_all_the_same = built(POLL + text.replace("RULE", ", trigger_rule: none_failed"))
    assert waits_for(runs_all_the_same) == {"poll", "load", "done"}


IF = 'run_if: "{{ params.full }}"'


@pytest.mark.parametrize(
    ("tasks", "waited_for"),
    [
        (f"  - {{id: load, uses: empty, {IF}}}", {"load"}),
        ("  - {id: load, uses: empty, skip_if: '{{ 1 }}'}\n  - {id: tell, uses: empty, needs: [load]}", {"tell"}),
        (f"  - {{id: load, uses: empty, {IF}}}\n  - {{id: other, uses: empty, {IF}}}", {"load", "other"}),
        (
            f"  - {{id: load, uses: bash, {IF}, expand: {{bash_command: [a, b]}}}}",
            {"load"},
        ),
        (f"  - {{id: load, uses: empty, {IF}}}\n  - {{id: count, uses: empty}}", {"poll", "load", "count"}),
        (
            f"  - {{id: load, uses: empty, {IF}}}\n"
            "  - {id: tell, uses: empty, needs: [load], trigger_rule: none_failed}",
            {"poll", "tell"},
        ),
        (f"  - {{id: check, uses: empty}}\n  - {{id: load, uses: empty, needs: [check], {IF}}}", {"load"}),
    ],
)
def test_where_conditions_may_skip_all_the_commit_needs_one_that_took_the_rows(
    tasks: str, waited_for: set[str]
) -> None:
    assert waits_for(built(POLL + "params: {full: false}\ntasks:\n" + tasks)) == waited_for


@pytest.mark.parametrize("first", ["one", "two"])
def test_a_commit_is_not_behind_another_task_that_remembers(first: str) -> None:
    tasks = {
        "one": "  - {id: one, uses: http, with: {url: 'http://localhost/1', change_detection: hash}}\n",
        "two": "  - {id: two, uses: http, needs: [one], with: {url: 'http://localhost/2', change_detection: hash}}\n",
    }
    second = "two" if first == "one" else "one"
    dag = built("tasks:\n" + tasks[first] + tasks[second])
    assert set(dag.task_dict) == {"one", "two", "one_commit"}
    assert waits_for(dag, "one_commit") == {"one", "two"}


def test_two_tasks_that_remember_wait_for_what_is_behind_each() -> None:
    dag = built(
        """
tasks:
  - {id: one, uses: http, with: {url: 'http://localhost/1', change_detection: hash}}
  - {id: two, uses: http, with: {url: 'http://localhost/2', change_detection: hash}}
  - {id: load, uses: empty, needs: [one, two]}
"""
    )
    assert waits_for(dag, "one_commit") == {"one", "load"}
    assert waits_for(dag, "two_commit") == {"two", "load"}


def test_a_poll_with_nothing_behind_it_commits_itself() -> None:
    assert set(built(POLL).task_dict) == {"poll"}
    assert built(POLL).task_dict["poll"].commits
    asked = built(
        "poll: {url: 'http://localhost/x', change_detection: hash, commit: poll}\ntasks: [{id: a, uses: empty}]"
    )
    assert (set(asked.task_dict), asked.task_dict["poll"].commits) == ({"poll", "a"}, True)


def test_tasks_that_take_nothing_from_it_are_not_waited_for() -> None:
    dag = built(
        """
tasks:
  - {id: before, uses: empty}
  - {id: ask, uses: http, needs: [before], with: {url: 'http://localhost/x', change_detection: hash}}
  - {id: load, uses: empty, needs: [ask]}
  - {id: other, uses: empty, needs: [before]}
"""
    )
    assert waits_for(dag, "ask_commit") == {"ask", "load"}


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        (POLL, 1),
        (POLL + "max_active_runs: 3\n", 3),
        ("poll: {url: 'http://localhost/x'}\n", 16),
    ],
)
def test_one_run_at_a_time_unless_the_pipeline_says_otherwise(text: str, runs: int) -> None:
    assert built(text).max_active_runs == runs


def test_fail_fast_takes_the_one_rule_that_airflow_allows() -> None:
    dag = built(POLL + "fail_fast: true\ntasks: [{id: a, uses: empty}]\n")
    assert dag.task_dict["poll_commit"].trigger_rule == "all_success"
