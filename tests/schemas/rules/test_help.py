"""What findings advise, beyond what cases show of them: the line of help."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.check import Checker, CheckOptions

BASH = 'tasks:\n  - {{id: a, uses: bash, with: {{bash_command: "{}"}}}}\n'
RAW = "for a template of another program, write `{% raw %}` before it and `{% endraw %}` after it"
SENSOR = "airflow.providers.standard.sensors.filesystem.FileSensor"
DAG = 'orders:\n  start_date: 2026-01-01\n  schedule: "*/45 * * * *"\n  tasks:\n'


def helps(folder: Path, files: dict[str, str]) -> set[str]:
    for name, text in files.items():
        (folder / name).write_text(text)
    return {found.help for found in Checker(folder, CheckOptions(environ={})).folder().diagnostics}


@pytest.mark.parametrize(
    ("command", "help_text"),
    [
        ("{% for x in [1] %}x{% endif %}", "write `{% endfor %}`"),
        ("{% if ds %}x{% endfor %}", "write `{% endif %}`"),
        ("x{% endif %}", "there is nothing before it that it ends"),
        ("docker ps --format '{{range .Names}}x'", RAW),
        ("docker ps --format 'x{{end}}'", RAW),
        ("{{ ende }}", "a param is `params.NAME`, a Variable `var.value.NAME`"),
    ],
)
def test_templates(tmp_path: Path, command: str, help_text: str) -> None:
    assert help_text in helps(tmp_path, {"orders.yaml": BASH.format(command)})


@pytest.mark.parametrize(("cron", "delta"), [("0 5 * * *", "1290m"), ("0 9 * * *", "90m"), ("30 6 * * *", "23h")])
def test_the_last_run_of_a_pipeline_at_another_time(tmp_path: Path, cron: str, delta: str) -> None:
    wait = f'schedule: "{cron}"\ntasks: [{{id: a, uses: wait_dag, with: {{external_dag_id: stock}}}}]\n'
    stock = 'schedule: "30 7 * * *"\ntasks: [{id: a, uses: empty}]\n'
    shown = f"write the difference of the two schedules as `execution_delta`: `{delta}`, its last run before"

    assert shown in helps(tmp_path, {"orders.yaml": wait, "stock.yaml": stock})
    assert helps(tmp_path, {"orders.yaml": wait.replace("stock}", f"stock, execution_delta: {delta}}}")}) == set()


@pytest.mark.parametrize(
    ("cron", "help_text"),
    [
        ("0 6 1-7 * mon", 'for the first such day of the month write "0 6 * * 1#1"'),
        ("0 6 15-21 5 3", 'for the third such day of the month write "0 6 * 5 3#3"'),
        ("0 6 25-31 * FRI", 'for the last such day of the month write "0 6 * * L5"'),
        ("0 6 24-30 * 7", 'for the last such day of the month write "0 6 * * L0"'),
        ("0 6 */1 * 5", '`*/1` is every day: write "0 6 * * 5"'),
        ("0 6 1-7 * 1-5", "cron has no way to name the days that are both: use one, and `run_if` for the other"),
        ("45 1 * * 4L", "for the last one of each month write `L4`"),
        ("45 1 * * friL", "for the last one of each month write `L5`"),
    ],
)
def test_days_of_a_week_of_the_month(tmp_path: Path, cron: str, help_text: str) -> None:
    task = "tasks: [{id: a, uses: empty}]"

    assert helps(tmp_path, {"orders.yaml": f'schedule: "{cron}"\n{task}\n'}) == {help_text}
    for instead in (part for part in help_text.split('"') if part.count(" ") == 4 and part[0].isdigit()):
        assert helps(tmp_path, {"orders.yaml": f'schedule: "{instead}"\n{task}\n'}) == set()


@pytest.mark.parametrize("command", ["/opt/load.sh", "./load.sh", "~/load.bash"])
def test_programs_are_no_names_of_files(tmp_path: Path, command: str) -> None:
    help_text = "to run a program of this path, add a space at its end, inside quotes"

    assert help_text in helps(tmp_path, {"orders.yaml": BASH.format(command)})
    assert help_text not in helps(tmp_path, {"orders.yaml": BASH.format(f"{command} ")})


def test_durations_of_dag_factory_are_its_own(tmp_path: Path) -> None:
    task = f'    a: {{operator: {SENSOR}, filepath: /a, poke_interval: "5m", timeout: "600"}}\n'

    assert helps(tmp_path, {"orders.yaml": DAG + task}) == {
        "for equal steps write `{__type__: datetime.timedelta, minutes: 45}`",
        "write `300`, or `{__type__: datetime.timedelta, seconds: 300}`",
        "write `600`, or `{__type__: datetime.timedelta, seconds: 600}`",
    }


@pytest.mark.parametrize(
    ("uses", "help_text"),
    [
        *((word, "use `sql` with the `conn_id` of a connection") for word in ("postgres", "PG", "bigquery")),
        *((word, "use `http`, or `poll` at the top of the file") for word in ("curl", "rest", "SimpleHttpOperator")),
        *((word, "use `empty`") for word in ("dummy", "DummyOperator", "noop")),
        *((word, "use `wait_until`") for word in ("sleep", "TimeDeltaSensor")),
        *(
            ("FileSensor", "use `wait_file`"),
            ("HttpSensor", "use `wait_http`"),
            ("ExternalTaskSensor", "use `wait_dag`"),
        ),
        *(("TriggerDagRunOperator", "use `trigger_dag`"), ("spark_submit", "spark_submit.SparkSubmitOperator`")),
        *(
            ("python", "a function is named itself: `module.function`"),
            ("TaskGroup", "an entry with `tasks` of its own"),
        ),
        *(("k8s", "operators.pod.KubernetesPodOperator`"), ("dbt", 'bash_command: "dbt build"')),
    ],
)
def test_words_for_a_built_in(tmp_path: Path, uses: str, help_text: str) -> None:
    (said,) = helps(tmp_path, {"orders.yaml": f"tasks: [{{id: a, uses: {uses}}}]\n"})
    assert help_text in said
