"""Tasks, their arguments and their edges."""

from __future__ import annotations

import sys
import textwrap
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from airflow.providers.standard.operators.python import PythonOperator
from airflow.serialization.serialized_objects import DagSerialization

from factory.build.errors import PipelineBuildError
from factory.operators.http import HttpRequestOperator

from .built_dags import built, built_unchecked

EXTERNAL = "airflow.providers.standard.sensors.external_task.ExternalTaskSensor"
FILE = "airflow.providers.standard.sensors.filesystem.FileSensor"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "etl_never_imported.py").write_text("raise RuntimeError('imported')\ndef load(rows, ds): ...\n")
    return tmp_path


def test_edges_are_needs_references_and_the_poll(folder: Path) -> None:
    dag = built(
        """
        poll: {url: "http://localhost/"}
        tasks:
          - {id: third, uses: etl_never_imported.load, with: {rows: [{x: ["${tasks.second.output.rows[0]}"]}]}}
          - {id: second, uses: bash, with: {bash_command: "true", env: {A: "${tasks.poll.xcom.http.status}"}}}
          - {id: free, uses: empty}
          - {id: last, uses: empty, needs: [third, second]}
        """,
        folder,
    )
    assert {task.task_id: task.upstream_task_ids for task in dag.tasks} == {
        "poll": set(),
        "second": {"poll"},
        "third": {"second"},
        "free": {"poll"},
        "last": {"second", "third"},
    }
    assert "etl_never_imported" not in sys.modules


def test_a_function_runs_in_a_plain_python_operator(folder: Path) -> None:
    task = built("tasks: [{id: a, uses: etl_never_imported.load, with: {rows: 1}, retries: 2}]", folder).get_task("a")
    assert type(task) is PythonOperator
    assert task.python_callable.__qualname__ == "etl_never_imported.load"
    assert (task.op_kwargs, task.retries) == ({"rows": 1}, 2)


def test_a_part_of_a_dag_can_be_taken(folder: Path) -> None:
    dag = built(
        """
        tasks:
          - {id: a, uses: etl_never_imported.load, with: {rows: 1}}
          - {id: b, uses: etl_never_imported.load, with: {rows: "${tasks.a.output}"}}
        """,
        folder,
    )
    part = dag.partial_subset("b", include_upstream=True)
    assert str(part.get_task("b").op_kwargs["rows"]) == "${tasks.a.output}"
    assert part.get_task("b").upstream_task_ids == {"a"}
    assert part.get_task("b").python_callable.path == "etl_never_imported.load"


def test_the_poll_is_an_http_task() -> None:
    dag = built(
        """
        poll:
          url: https://example.com/{{ ds }}
          method: POST
          headers: {X: "$${y}"}
          params: {n: 1, many: [a, true]}
          json: {since: "{{ ds }}"}
          timeout: 5s
          expect: {status: [200, 4xx]}
          max_bytes: 10
          retries: 3
        """
    )
    poll = dag.get_task("poll")
    assert type(poll) is HttpRequestOperator
    assert (poll.url, poll.headers) == ("https://example.com/{{ ds }}", {"X": "${y}"})
    assert (poll.query, poll.json_body) == ({"n": 1, "many": ["a", True]}, {"since": "{{ ds }}"})
    expect = {"status": [200, "4xx"]}
    assert poll.settings == {"method": "POST", "timeout": "PT5S", "expect": expect, "max_bytes": 10}
    assert poll.retries == 3


def test_bash_takes_what_is_written_and_airflows_defaults() -> None:
    dag = built(
        """
        tasks:
          - {id: a, uses: bash, with: {bash_command: "echo $${HOME} ${HOME} {{ ds }}"}}
          - {id: b, uses: bash, with: {bash_command: "exit 3", skip_on_exit_code: [3], append_env: true, cwd: /srv}}
        """
    )
    a, b = dag.get_task("a"), dag.get_task("b")
    assert a.bash_command == "echo ${HOME} ${HOME} {{ ds }}"
    assert (list(a.skip_on_exit_code), a.append_env, a.env) == ([99], False, None)
    assert (list(b.skip_on_exit_code), b.append_env, b.cwd) == ([3], True, "/srv")


def test_text_becomes_what_a_constructor_says() -> None:
    dag = built(
        f"""
        timezone: Asia/Seoul
        tasks:
          - id: a
            uses: {EXTERNAL}
            needs: [d]
            with: {{external_dag_id: x, execution_delta: 6h, timeout: 1d, poke_interval: 30}}
          - {{id: b, needs: [d], uses: {FILE}, with: {{filepath: /tmp/x, poke_interval: PT30S, deferrable: false}}}}
          - id: c
            uses: airflow.providers.standard.sensors.date_time.DateTimeSensor
            with: {{target_time: "{{{{ ds }}}}"}}
          - id: d
            uses: airflow.providers.standard.operators.datetime.BranchDateTimeOperator
            with:
              target_lower: null
              target_upper: "12:30"
              follow_task_ids_if_true: a
              follow_task_ids_if_false: b
          - id: e
            uses: airflow.providers.standard.operators.datetime.BranchDateTimeOperator
            with:
              target_lower: 2026-01-01
              target_upper: null
              follow_task_ids_if_true: f
              follow_task_ids_if_false: f
          - {{id: f, uses: empty, needs: [e]}}
        """
    )
    a, b, c, d, e = (dag.get_task(name) for name in "abcde")
    assert a.execution_delta == timedelta(hours=6)
    assert (a.timeout, a.poke_interval, b.poke_interval) == (86400, 30, 30)
    assert c.target_time == "{{ ds }}"
    assert (d.target_upper, e.target_lower) == (time(12, 30), datetime(2025, 12, 31, 15, tzinfo=UTC))


def test_the_task_that_takes_a_part_heeds_no_defaults_of_others(folder: Path) -> None:
    dag = built(
        """
        default_args: {trigger_rule: all_done, do_xcom_push: false, multiple_outputs: true, outlets: [orders]}
        tasks:
          - {id: list, uses: etl_never_imported.load, with: {rows: 1}, do_xcom_push: true}
          - {id: size, uses: bash, expand: {bash_command: "${tasks.list.output.files}"}}
        """,
        folder,
    )
    part = dag.get_task("size__bash_command")
    assert (part.trigger_rule, part.do_xcom_push, part.multiple_outputs) == ("all_success", True, False)
    assert list(part.outlets) == []


def test_an_operator_below_the_pipelines_folder(tmp_path: Path) -> None:
    name = "own_operators_for_test_build_tasks"
    (tmp_path / f"{name}.py").write_text(
        textwrap.dedent(
            """
            from __future__ import annotations
            from datetime import timedelta
            from typing import Optional
            from airflow.sdk import BaseOperator

            class Wait(BaseOperator):
                template_fields = ("what",)

                def __init__(self, *, what, pause: timedelta, until: Optional[timedelta] = None, **kwargs):
                    super().__init__(**kwargs)
                    self.what, self.pause, self.until = what, pause, until
                    if pause > timedelta(hours=1):
                        raise ValueError("pause is too long")

            class Plain: ...
            """
        )
    )
    dag = built(
        f"""
        tasks:
          - {{id: a, uses: empty}}
          - {{id: b, uses: {name}.Wait, with: {{what: ["${{tasks.a.output}}"], pause: 5m, until: 1h}}, pool: heavy}}
        """,
        tmp_path,
    )
    task = dag.get_task("b")
    assert (task.pause, task.until, task.pool) == (timedelta(minutes=5), timedelta(hours=1), "heavy")
    assert task.upstream_task_ids == {"a"}
    with pytest.raises(PipelineBuildError) as caught:
        built_unchecked(
            f"""
            tasks:
              - {{id: a, uses: {name}.Wait, with: {{what: 1, pause: 2h}}}}
              - {{id: b, uses: {name}.Wait, with: {{what: 1, pause: soon, until: 5}}}}
              - {{id: c, uses: {name}.Wait, with: {{what: 1, paus: 2m}}}}
              - {{id: d, uses: {name}.Wait, with: {{what: 1}}}}
              - {{id: e, uses: {name}.Plain}}
              - {{id: f, uses: {name}.Gone}}
              - {{id: g, uses: {FILE}, with: {{filepath: /x}}, pool_slots: 1, executor_config: {{}}}}
              - {{id: h, uses: {FILE}, with: {{filepath: /x, mode: now}}}}
            """,
            tmp_path,
        )
    assert [(error.path, error.message) for error in caught.value.errors] == [
        (("tasks", 0, "with", "pause"), "Wait refused it: pause is too long"),
        (
            ("tasks", 1, "with", "pause"),
            "`pause` of Wait is a duration (30s, 5m, 2h, 1d, or ISO 8601 such as PT90M), not `soon`",
        ),
        (("tasks", 2, "with", "paus"), "Wait has no argument `paus`; did you mean `pause`?"),
        (("tasks", 3, "uses"), "Wait refused it: missing keyword argument 'pause'"),
        (("tasks", 4, "uses"), f"{name}.Plain is a class, but not an Airflow operator or sensor"),
        (("tasks", 5, "uses"), f"{name}.Gone: the module `{name}` has no `Gone`"),
        (("tasks", 7, "with", "mode"), caught.value.errors[-1].message),
    ]


def test_a_function_whose_source_runs_elsewhere_is_imported_later(tmp_path: Path) -> None:
    (tmp_path / "broken_when_imported.py").write_text("def go(n):\n    return n\nraise RuntimeError\n")
    operator = "airflow.providers.standard.operators.python.PythonVirtualenvOperator"
    function = "python_callable: {$object: broken_when_imported.go}"
    dag = built(f"tasks: [{{id: a, uses: {operator}, with: {{{function}, op_kwargs: {{n: 1}}}}}}]", tmp_path)
    assert dag.get_task("a").python_callable.path == "broken_when_imported.go"
    mapped = f"uses: {operator}, with: {{{function}}}, expand: {{op_kwargs: [{{n: 1}}]}}"
    with pytest.raises(PipelineBuildError) as caught:
        built_unchecked(f"tasks: [{{id: a, {mapped}}}]", tmp_path)
    (error,) = caught.value.errors
    assert error.path == ("tasks", 0, "with", "python_callable")
    assert "a mapped task takes no `python_callable` from below the pipelines folder" in error.message


def test_what_the_environment_holds_is_text() -> None:
    dag = built(
        """
        tasks:
          - {id: a, uses: empty}
          - {id: b, uses: bash, with: {bash_command: "${env.COMMAND}"}}
        """,
        COMMAND="echo ${x} > '$${y}'",
    )
    assert type(dag.get_task("b").bash_command) is str


def test_a_task_has_params_of_its_own() -> None:
    dag = built(
        """
        params: {region: eu}
        tasks:
          - {id: a, uses: bash, params: {region: us, n: {type: integer, default: 1}}, with: {bash_command: echo}}
          - {id: b, uses: bash, params: {x: 1}, expand: {bash_command: [echo]}}
          - {id: c, uses: bash, with: {bash_command: echo}}
        """
    )
    assert [dag.get_task(name).params.dump() for name in "abc"] == [
        {"region": "us", "n": 1},
        {"region": "eu", "x": 1},
        {"region": "eu"},
    ]
    assert dag.get_task("a").params.get_param("n").schema == {"type": "integer"}
    read = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert read.get_task("a").params.dump() == {"region": "us", "n": 1}
