"""`schemas.dagfactory.converted`: the words of the new file, its comments, and what is said to be lost.

That it builds the same DAG is held in tests/factory/dagfactory.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from schemas.check import Checker, CheckOptions
from schemas.dagfactory.convert import ConvertedDag, convert
from schemas.source import SourceReader

BASH = "operator: airflow.providers.standard.operators.bash.BashOperator"
EMPTY = "operator: airflow.providers.standard.operators.empty.EmptyOperator"


def converted(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> list[ConvertedDag]:
    (folder / "orders.yml").write_text(text)
    unexpanded = Checker(folder, CheckOptions(environ={}))
    return list(convert(unexpanded.variants("orders.yml"), folder, environ or {}, SourceReader(folder)))


def only(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> str:
    (one,) = converted(folder, text, environ)
    assert not [d.message for d in one.findings]
    return one.text


def said(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> list[tuple[int, str, str]]:
    return [(d.span.line, d.code.id, d.message) for one in converted(folder, text, environ) for d in one.findings]


def test_comments_stay_with_what_they_are_about(tmp_path: Path) -> None:
    text = f"""\
# The file's own.

default:  # for all
  # Whose it is.
  default_args: {{owner: sales}}
# About orders.
orders:
  schedule: "@daily"  # at midnight
  # Before the tasks.
  tasks:
    # What load is for.
    load:  # behind load
      {BASH}
      # Above the command.
      bash_command: |  # a script
        # no comment
        echo "#neither"
    done:
      {EMPTY}
      dependencies:
        # why it waits
        - load
# About stock.
stock:
  tasks:
    count: {{{EMPTY}}}  # one line
# The end.
"""
    orders, stock = converted(tmp_path, text)

    assert orders.text == (
        '# The file\'s own.\n# About orders.\n# for all\ndag_id: orders\nschedule: "@daily"  # at midnight\n'.replace(
            '"', "'"
        )
        + "# Whose it is.\n"
        "default_args:\n"
        "  owner: sales\n"
        "# Before the tasks.\n"
        "tasks:\n"
        "  # What load is for.\n"
        "  # behind load\n"
        "  - id: load\n"
        "    uses: bash\n"
        "    with:\n"
        "      # Above the command.\n"
        "      bash_command: |  # a script\n"
        "        # no comment\n"
        '        echo "#neither"\n'
        "  - id: done\n"
        "    uses: empty\n"
        "    needs:\n"
        "      # why it waits\n"
        "      - load\n"
    )
    assert stock.text == (
        "# The file's own.\n# About stock.\n# for all\ndag_id: stock\n# Whose it is.\ndefault_args:\n  owner: sales\n"
        "tasks:\n  - id: count\n    uses: empty  # one line\n# The end.\n"
    )


def test_variables_that_are_set_become_expressions_and_others_stay_text(tmp_path: Path) -> None:
    text = f"""\
orders:
  description: from $CITY to ${{CITY}}
  tasks:
    load:
      {BASH}
      bash_command: echo $CITY $HERE ${{env.X}} $1
      retries: $RETRIES
"""
    new = only(tmp_path, text, {"CITY": "Seoul", "RETRIES": "3"})

    assert "description: from ${env.CITY} to ${env.CITY}\n" in new
    assert "bash_command: echo ${env.CITY} $HERE $${env.X} $1\n" in new
    assert "retries: ${env.RETRIES}\n" in new


def test_a_variable_that_is_not_set_is_named_where_no_shell_expands_it(tmp_path: Path) -> None:
    found = said(tmp_path, f"orders:\n  description: from $CITY\n  tasks:\n    a: {{{EMPTY}}}\n")

    assert found == [(2, "PF126", "`CITY` is not set here, so it stays text, as with dag-factory")]


@pytest.mark.parametrize(
    ("line", "loss"),
    [
        ("start_date: 2 days", "`2 days` moves every day; the date of today is written"),
        ("template_searchpath: /opt/sql", "templates are looked up beside the pipeline and in the pipelines"),
        ("schedule: $CRON", "`schedule` accepts no variable: its current value is written"),
        ("doc_md: $DB_PASSWORD", "`DB_PASSWORD` looks like a secret"),
        ("doc_md_file_path: none.md", "there is no such file here"),
        ("default_args: {email: [a@example.com]}", "mails are notifications here"),
    ],
)
def test_what_is_lost_has_its_line(tmp_path: Path, line: str, loss: str) -> None:
    text = f"orders:\n  {line}\n  tasks:\n    load: {{{BASH}, bash_command: load}}\n"

    ((number, code, message),) = said(tmp_path, text, {"CRON": "@daily", "DB_PASSWORD": "x"})

    assert (number, code) == (2, "PF125")
    assert message.startswith(loss)


def test_what_had_no_effect_is_left_out_and_said(tmp_path: Path) -> None:
    found = said(
        tmp_path, f"orders:\n  fail_fast: true\n  default_args: {{contact: x}}\n  tasks:\n    a: {{{EMPTY}}}\n"
    )

    assert [(line, code) for line, code, _ in found] == [(2, "PF126"), (3, "PF126")]


def test_names_inside_groups(tmp_path: Path) -> None:
    text = f"""\
orders:
  task_groups:
    outer: {{}}
    inner: {{parent_group_name: outer}}
    empty: {{}}
  tasks:
    first: {{{EMPTY}, task_group_name: inner}}
    second: {{{EMPTY}, task_group_name: inner, dependencies: [first]}}
    third: {{{EMPTY}, task_group_name: outer, dependencies: [second]}}
    last: {{{EMPTY}, dependencies: [first, outer, empty]}}
"""
    (one,) = converted(tmp_path, text)

    assert "      - id: inner\n        tasks:\n          - id: first\n" in one.text
    assert "            needs: [first]\n" in one.text
    assert "        needs: [inner.second]\n" in one.text
    assert "    needs: [outer.inner.first, outer]\n" in one.text
    assert [(d.span.line, d.message) for d in one.findings] == [
        (5, "the task group `empty` is left out: it has no task")
    ]


def test_notifiers_have_their_short_names(tmp_path: Path) -> None:
    text = f"""\
orders:
  on_failure_callback:
    callback: airflow.providers.slack.notifications.slack.send_slack_notification
    channel: "#orders"
  tasks:
    a: {{{EMPTY}}}
"""
    assert "  on_failure:\n    - uses: slack\n      with:\n        channel: '#orders'\n" in only(tmp_path, text)


@pytest.mark.parametrize(
    ("timetable", "schedule"),
    [
        (
            "__type__: airflow.timetables.interval.CronDataIntervalTimetable, __args__: ['0 1 * * *', UTC]",
            "timetable: airflow.timetables.interval.CronDataIntervalTimetable",
        ),
        (
            "__type__: airflow.timetables.interval.CronDataIntervalTimetable, cron: '0 1 * * *', timezone: UTC",
            "cron: 0 1 * * *\n  timezone: UTC\n  data_interval: true",
        ),
        ("__type__: datetime.timedelta, hours: 2", "every: 2h"),
        ("__type__: airflow.sdk.Asset, uri: 's3://a'", "assets: s3://a"),
        (
            "__type__: airflow.timetables.assets.AssetOrTimeSchedule, assets: [{__type__: airflow.sdk.Asset, name: a}],"
            " timetable: {__type__: airflow.timetables.trigger.CronTriggerTimetable, cron: '@daily', timezone: UTC}",
            "assets:\n    all:\n      - a\n  cron: '@daily'\n  timezone: UTC",
        ),
    ],
)
def test_schedules_are_said_in_the_words_of_this_language(tmp_path: Path, timetable: str, schedule: str) -> None:
    text = f"orders:\n  schedule: {{{timetable}}}\n  tasks:\n    a: {{{EMPTY}}}\n"

    assert f"schedule:\n  {schedule}\n" in only(tmp_path, text)


def test_a_variable_of_airflow_becomes_a_template_of_any_task(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text("def load(day): ...\n")
    asked = "variables_as_arguments: [{variable: of_airflow, attribute: %s}]"
    text = f"""\
orders:
  tasks:
    a: {{{BASH}, {asked % "bash_command"}}}
    b: {{{BASH}, bash_command: ./b, env: {{A: '1'}}, {asked % "cwd"}}}
    c: {{decorator: airflow.sdk.task, python_callable: steps.load, {asked % "day"}}}
    d: {{operator: airflow.providers.standard.operators.python.PythonOperator, python_callable: steps.load,
        {asked % "op_kwargs"}}}
"""
    (one,) = converted(tmp_path, text)

    assert one.text.count('"{{ var.value.of_airflow }}"') + one.text.count("'{{ var.value.of_airflow }}'") == 4
    assert [d.code.id for d in one.findings] == ["PF126"] * 4


@pytest.mark.parametrize("argument", ["retries", "output_encoding"])
def test_a_variable_of_airflow_is_lost_where_no_template_is_rendered(tmp_path: Path, argument: str) -> None:
    asked = f"variables_as_arguments: [{{variable: of_airflow, attribute: {argument}}}]"
    found = said(tmp_path, f"orders:\n  tasks:\n    a: {{{BASH}, bash_command: ./a, {asked}}}\n")

    message = f"Airflow does not render `{argument}`, and only a template can read a Variable here"
    assert found == [(3, "PF125", message)]


def test_arguments_of_all_tasks_go_to_those_that_take_them(tmp_path: Path) -> None:
    text = f"""\
orders:
  default_args: {{cwd: /srv, nobodys: 1}}
  tasks:
    load: {{{BASH}, bash_command: ./load}}
    done: {{{EMPTY}}}
    other: {{operator: package_of_nobody.Operator}}
"""
    (one,) = converted(tmp_path, text)

    assert "    with:\n      bash_command: ./load\n      cwd: /srv\n" in one.text
    assert [(d.code.id, d.message, d.help) for d in one.findings if "cwd" in d.message] == [
        ("PF125", "`cwd` is not a setting that every task has", "write it in `with` of `other`"),
    ]


def test_functions_stay_functions(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text("def day_before(date): ...\n")
    sensor = "airflow.providers.standard.sensors.external_task.ExternalTaskSensor"
    text = f"""\
orders:
  tasks:
    waits: {{operator: {sensor}, external_dag_id: prices, execution_date_fn: steps.day_before}}
"""
    assert "      execution_date_fn:\n        $object: steps.day_before\n" in only(tmp_path, text)


def test_a_function_whose_source_is_read_is_lost(tmp_path: Path) -> None:
    operator = "airflow.providers.standard.operators.python.PythonVirtualenvOperator"
    found = said(tmp_path, f"orders:\n  tasks:\n    a: {{operator: {operator}, python_callable: os.getcwd}}\n")

    message = "`PythonVirtualenvOperator` reads its function's source, and here functions are named"
    assert found == [(3, "PF125", message)]


@pytest.mark.parametrize(
    ("zone", "written"),
    [
        (
            "{__type__: datetime.timezone, __args__: [{__type__: datetime.timedelta, hours: -3, minutes: -30}]}",
            "-03:30",
        ),
        ("{__type__: datetime.timezone, offset: {__type__: datetime.timedelta, __args__: [0, 7200]}}", "+02:00"),
        ("{__type__: zoneinfo.ZoneInfo, key: Europe/Berlin}", "+01:00"),
    ],
)
def test_a_date_of_a_task_keeps_its_offset(tmp_path: Path, zone: str, written: str) -> None:
    text = (
        "imports:\n  default_args: {start_date: 2026-01-01}\n  tasks:\n    load:\n"
        "      operator: airflow.providers.standard.operators.empty.EmptyOperator\n"
        f"      start_date: {{__type__: datetime.datetime, __args__: [2026, 1, 2], tzinfo: {zone}}}\n"
    )

    assert f"start_date: 2026-01-02T00:00:00{written}\n" in only(tmp_path, text)
