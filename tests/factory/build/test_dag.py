"""DAG arguments, dates and settings: what a file says is what Airflow has, and nothing depends on its configuration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from airflow.sdk import DAG

from factory.build.errors import PipelineBuildError

from .built_dags import built, built_unchecked

TASKS = "tasks: [{id: a, uses: empty}]\n"


def test_what_is_not_written_is_left_to_airflow() -> None:
    dag, plain = built(TASKS), DAG("sales.orders")
    assert dag.dag_id == "sales.orders"
    names = (
        "description doc_md max_active_runs max_active_tasks max_consecutive_failed_dag_runs dagrun_timeout fail_fast"
    )
    names += " render_template_as_native_obj owner_links start_date end_date tags default_args"
    for name in names.split():
        assert getattr(dag, name) == getattr(plain, name), name
    assert dag.catchup is False
    assert dag.is_paused_upon_creation is False
    assert dag.timezone.name == "UTC"


def test_dag_arguments_one_to_one() -> None:
    dag = built(
        """
        dag_id: mine
        description: One line.
        doc_md: "# Title"
        tags: [b, a]
        catchup: true
        start_date: 2026-01-01
        end_date: 2026-12-31T10:00+02:00
        timezone: Asia/Seoul
        is_paused_upon_creation: true
        max_active_runs: 3
        max_active_tasks: 4
        max_consecutive_failed_dag_runs: 5
        dagrun_timeout: 1h
        fail_fast: true
        render_template_as_native_obj: true
        owner_links: {me: "mailto:me@example.com"}
        schedule: "@daily"
        tasks: [{id: a, uses: empty}]
        """
    )
    assert (dag.dag_id, dag.description, dag.doc_md, dag.tags) == ("mine", "One line.", "# Title", {"a", "b"})
    assert (dag.catchup, dag.is_paused_upon_creation, dag.fail_fast) == (True, True, True)
    assert (dag.max_active_runs, dag.max_active_tasks, dag.max_consecutive_failed_dag_runs) == (3, 4, 5)
    assert dag.dagrun_timeout == timedelta(hours=1)
    assert dag.render_template_as_native_obj is True
    assert dag.owner_links == {"me": "mailto:me@example.com"}
    assert dag.start_date == datetime(2025, 12, 31, 15, tzinfo=UTC)
    assert dag.end_date == datetime(2026, 12, 31, 8, tzinfo=UTC)
    assert dag.timezone.name == "Asia/Seoul"


def test_settings_of_tasks_and_default_args() -> None:
    dag = built(
        """
        owner: team
        timezone: Europe/Berlin
        default_args: {retries: 4, retry_delay: 2m, pool: heavy, execution_timeout: 1h}
        tasks:
          - {id: a, uses: empty}
          - id: b
            uses: empty
            owner: me
            retries: 0
            execution_timeout: null
            start_date: 2026-07-01T06:00
            trigger_rule: all_done
            doc_md: costs $${x}
        """
    )
    a, b = dag.get_task("a"), dag.get_task("b")
    assert (a.owner, a.retries, a.retry_delay, a.pool) == ("team", 4, timedelta(minutes=2), "heavy")
    assert a.execution_timeout == timedelta(hours=1)
    assert (b.owner, b.retries, b.pool, b.execution_timeout) == ("me", 0, "heavy", None)
    assert b.start_date == datetime(2026, 7, 1, 4, tzinfo=UTC)
    assert (b.trigger_rule, b.doc_md) == ("all_done", "costs ${x}")


@pytest.mark.parametrize("text", ["x.md", "see /etc/x.md"])
def test_documentation_is_text_and_never_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (tmp_path / "x.md").write_text("a file of the machine")
    monkeypatch.chdir(tmp_path)
    dag = built(f"doc_md: {text}\ntasks: [{{id: a, uses: empty, doc_md: {text}}}]\n")
    assert str(dag.doc_md).strip() == dag.get_task("a").doc_md == text


@pytest.mark.parametrize("value", ["a${x}b", "a$${x}b", "a$$${x}b"])
def test_a_value_of_the_environment_is_never_unescaped(value: str) -> None:
    dag = built(
        """
        default_args: {queue: "${env.WORD}"}
        tasks: [{id: a, uses: bash, pool: "${env.WORD}", with: {bash_command: "${env.WORD}"}}]
        """,
        WORD=value,
    )
    task = dag.get_task("a")
    assert (task.pool, task.queue, task.bash_command) == (value, value, value)


def test_the_environment_fills_in_documentation_as_any_other_text() -> None:
    dag = built(
        """
        description: of ${env.WORD}
        doc_md: of ${env.WORD:-none}, $${env.WORD}
        default_args: {doc: "${env.WORD}"}
        tasks:
          - {id: g, tooltip: "${env.WORD}", doc_md: "${env.WORD}", tasks: [{id: a, uses: empty, doc_md: "${env.WORD}"}]}
        """,
        WORD="sales",
    )
    task, group = dag.get_task("g.a"), dag.task_group.children["g"]
    assert (dag.description, str(dag.doc_md).strip()) == ("of sales", "of sales, ${env.WORD}")
    assert (task.doc, task.doc_md, group.tooltip, group.doc_md) == ("sales", "sales", "sales", "sales")


@pytest.mark.parametrize("dollars", ["$", "$$", "a$"])
def test_a_dollar_that_comes_from_a_value_makes_no_expression(dollars: str) -> None:
    dag = built(
        f"""
        vars: {{d: "{dollars}", b: "{{env.WORD}}"}}
        tasks:
          - id: a
            uses: bash
            with:
              bash_command: a
              env: {{A: "${{vars.d}}{{env.WORD}}", B: "${{env.D}}{{env.WORD}}", C: "$$${{vars.b}}"}}
        """,
        WORD="sales",
        D=dollars,
    )
    whole = f"{dollars}{{env.WORD}}"
    assert dag.get_task("a").env == {"A": whole, "B": whole, "C": "${env.WORD}"}


def test_owner_in_default_args_goes_first() -> None:
    dag = built("owner: team\ndefault_args: {owner: ops}\n" + TASKS)
    assert dag.get_task("a").owner == "ops"


def test_templates_are_found_beside_the_file_and_from_the_folder(tmp_path: Path) -> None:
    (tmp_path / "sales").mkdir()
    (tmp_path / "sales" / "beside.sh").write_text("echo {{ ds }}")
    (tmp_path / "above.sh").write_text("echo above")
    dag = built(
        """
        tasks:
          - {id: a, uses: bash, with: {bash_command: beside.sh}}
          - {id: b, uses: bash, with: {bash_command: above.sh}}
        """,
        tmp_path,
    )
    for task_id, text in (("a", "echo {{ ds }}"), ("b", "echo above")):
        task = dag.get_task(task_id)
        task.resolve_template_files()
        assert task.bash_command == text


def test_what_the_environment_gives_a_param_is_of_its_type() -> None:
    dag = built(
        """
        params:
          runs: {type: integer, default: "${env.RUNS}"}
          name: {type: string, default: "${env.RUNS}"}
          plain: ${env.RUNS}
        """
        + TASKS,
        RUNS="3",
    )
    found = dag.params.dump()
    assert found == {"runs": 3, "name": "3", "plain": "3"}
    # Airflow's dag-processor cannot send a subclass of text.
    assert [type(value) for value in found.values()] == [int, str, str]


def test_params_are_defaults_or_json_schemas() -> None:
    dag = built(
        """
        schedule: "@daily"
        params:
          days: 3
          names: [a, b]
          nothing: null
          region: {type: string, enum: [eu, us], default: eu, description: Where., title: Region}
          filter: {type: object, default: {a: 1}}
        tasks: [{id: a, uses: empty}]
        """
    )
    assert dag.params.dump() == {"days": 3, "names": ["a", "b"], "nothing": None, "region": "eu", "filter": {"a": 1}}
    region = dag.params.get_param("region")
    assert region.description == "Where."
    assert region.schema == {"type": "string", "enum": ["eu", "us"], "title": "Region"}


def test_keywords_of_the_trigger_form_arrive() -> None:
    dag = built(
        """
        params:
          region:
            type: [string, "null"]
            default: eu
            title: Region
            description_md: Where the **orders** come from.
            section: Where
            examples: [eu, us]
            values_display: {eu: Europe, us: United States}
          note: {type: string, format: multiline, default: "", maxLength: 500}
        tasks: [{id: a, uses: empty}]
        """
    )
    assert dag.params.get_param("region").schema == {
        "type": ["string", "null"],
        "title": "Region",
        "description_md": "Where the **orders** come from.",
        "section": "Where",
        "examples": ["eu", "us"],
        "values_display": {"eu": "Europe", "us": "United States"},
    }
    assert dag.params.get_param("note").schema == {"type": "string", "format": "multiline", "maxLength": 500}


def test_a_param_without_default_is_asked_for_where_nothing_is_scheduled() -> None:
    dag = built("params: {day: {type: string, format: date}}\n" + TASKS)
    assert dag.params.get_param("day").has_value is False


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("schedule: '@daily'\nparams: {d: {type: string}}", ("params", "d"), "needs a `default`"),
        ("params: {d: {type: strng}}", ("params", "d", "type"), "it is not a JSON Schema"),
        ("params: {d: {type: integer, default: x}}", ("params", "d", "default"), "'x' is not of type 'integer'"),
        ("params: {d: {a: 1}}", ("params", "d"), "a mapping here is a JSON Schema"),
        ("schedule: '@continuous'\nmax_active_runs: 2", ("max_active_runs",), "requires max_active_runs <= 1"),
    ],
)
def test_what_airflow_refuses_has_a_place(text: str, path: tuple[str, ...], message: str) -> None:
    with pytest.raises(PipelineBuildError) as caught:
        built_unchecked(text + "\n" + TASKS)
    (error,) = caught.value.errors
    assert error.path == path
    assert message in error.message
    assert "\n" not in error.message


def test_all_errors_come_at_once() -> None:
    with pytest.raises(PipelineBuildError) as caught:
        built_unchecked(
            """
            schedule: "@continuous"
            max_active_runs: 2
            params: {d: {a: 1}}
            tasks:
              - {id: a, uses: no_such_module.x}
              - {id: b, uses: empty, needs: [a]}
              - {id: c, uses: bash, with: {bash_command: "true", env: {x: "${tasks.a.output}"}}, needs: [b]}
              - {id: d, uses: airflow.sdk.Variable}
            """
        )
    assert [error.path for error in caught.value.errors] == [
        ("params", "d"),
        ("max_active_runs",),
        ("tasks", 0, "uses"),
        ("tasks", 3, "uses"),
    ]


def test_what_the_dag_and_a_task_say_together_is_an_error_of_the_task() -> None:
    with pytest.raises(PipelineBuildError) as caught:
        built_unchecked("fail_fast: true\ntasks: [{id: a, uses: empty}, {id: b, uses: empty, trigger_rule: all_done}]")
    (error,) = caught.value.errors
    assert error.path == ("tasks", 1, "uses")
    assert "fail" in error.message
