"""`factory lint --fix` on dag-factory documents: keys of older versions, and what only a YAML 1.1 reader accepts."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.check import CheckOptions
from schemas.check.fixing import repair

OPERATORS = "airflow.providers.standard.operators"


def fixed(folder: Path, text: str) -> str:
    (folder / "orders.yml").write_text(text)
    found = repair(folder, {"orders.yml": "orders.yml"}, CheckOptions(environ={}, shown_folder=""))
    return found.texts.get("orders.yml", text.encode()).decode()


def document(lines: str, task: str = "") -> str:
    entry = f"      operator: {OPERATORS}.python.PythonOperator\n      python_callable: os.path.join\n"
    return f"orders:\n  start_date: 2026-01-01\n{lines}  tasks:\n    load:\n{entry}{task}"


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("  dagrun_timeout_sec: 60\n", "  dagrun_timeout: {__type__: datetime.timedelta, seconds: 60}\n"),
        (
            "  default_args: {retry_delay_sec: 60, retries: 1}\n",
            "  default_args: {retry_delay: {__type__: datetime.timedelta, seconds: 60}, retries: 1}\n",
        ),
        (
            "  default_args:\n    retry_delay_sec: 60 # a minute\n",
            "  default_args:\n    retry_delay: {__type__: datetime.timedelta, seconds: 60} # a minute\n",
        ),
        ("  default_args:\n    provide_context: true\n    retries: 1\n", "  default_args:\n    retries: 1\n"),
        ("  description: one\n  description: two\n", "  description: two\n"),
        ("  description: |\n    one\n\n    more\n  description: two\n", "\n  description: two\n"),
        ("  params: {a: 1}\n  params: {b: 2}\n", "  params: {b: 2}\n"),
        ("  tags:\n  - a\n  catchup: false\n  tags: [b]\n", "  catchup: false\n  tags: [b]\n"),
        ("  default_args: {retries: 1, owner: a, retries: 2}\n", "  default_args: {owner: a, retries: 2}\n"),
        ("  description: !!str 5\n", '  description: "5"\n'),
        ("  tags: [!!str 5, a]\n", '  tags: ["5", a]\n'),
        ("  max_active_runs: !!int '5'\n", "  max_active_runs: 5\n"),
        ("  schedule_interval: '@daily'\n", "  schedule: '@daily'\n"),
        ("  default_args: {retrys: 3}\n", "  default_args: {retries: 3}\n"),
    ],
)
def test_what_older_versions_and_other_readers_accept(tmp_path: Path, wrong: str, right: str) -> None:
    assert fixed(tmp_path, document(wrong)) == document(right)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("      provide_context: true\n      retries: 1\n", "      retries: 1\n"),
        (
            "      execution_timeout_secs: 60\n",
            "      execution_timeout: {__type__: datetime.timedelta, seconds: 60}\n",
        ),
        (
            "      execution_timeout_sec: 60\n",
            "      execution_timeout: {__type__: datetime.timedelta, seconds: 60}\n",
        ),
        ("      task_id: other\n      retries: 1\n", "      retries: 1\n"),
        ("      dag: orders\n      retries: 1\n", "      retries: 1\n"),
        ("      outlets: s3://bucket/orders\n", '      outlets: ["s3://bucket/orders"]\n'),
    ],
)
def test_keys_of_a_task(tmp_path: Path, wrong: str, right: str) -> None:
    assert fixed(tmp_path, document("", wrong)) == document("", right)


def test_a_task_by_the_name_that_airflow_gives_it_is_never_its_group(tmp_path: Path) -> None:
    group = "  task_groups: {outer: {tooltip: x}}\n"
    entry = f"      operator: {OPERATORS}.empty.EmptyOperator\n      task_group_name: outer\n"
    text = document(group, f"      dependencies: [outer.step]\n    step:\n{entry}")

    assert fixed(tmp_path, text) == text.replace("[outer.step]", "[step]")
    assert fixed(tmp_path, text := text.replace("[outer.step]", "[outer.x]")) == text


def test_a_schedule_interval_in_default_below_that_of_a_dag(tmp_path: Path) -> None:
    text = "default:\n  schedule_interval: '@daily'\n" + document("  schedule_interval: '@hourly'\n")

    assert fixed(tmp_path, text) == text.replace("schedule_interval", "schedule")


def test_a_file_that_is_named_by_its_path_in_a_container(tmp_path: Path) -> None:
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "load.py").write_text("def load() -> None: ...\n")
    text = f"""\
orders:
  start_date: 2026-01-01
  tasks:
    load:
      operator: {OPERATORS}.python.PythonOperator
      python_callable_name: load
      python_callable_file: /usr/local/airflow/dags/steps/load.py
"""

    assert fixed(tmp_path, text) == text.replace("/usr/local/airflow/dags/", "")


@pytest.mark.parametrize(
    "lines",
    [
        "  default_args:\n    retry_delay_sec: $DELAY\n",
        "  description: !!python/name:os.path.join\n",
    ],
)
def test_what_is_not_certain_stays(tmp_path: Path, lines: str) -> None:
    assert fixed(tmp_path, document(lines)) == document(lines)


def test_a_variable_in_a_key_becomes_its_value_unless_it_is_a_secret(tmp_path: Path) -> None:
    for key, right in (("orders_$SHOP", "orders_seoul"), ("$API_TOKEN", "$API_TOKEN"), ("${TEXT}", "${TEXT}")):
        (tmp_path / "a.yml").write_text(document("").replace("orders:", f"{key}:"))
        environ = {"SHOP": "seoul", "API_TOKEN": "abc", "TEXT": "two words"}
        found = repair(tmp_path, {"a.yml": "a.yml"}, CheckOptions(environ=environ, shown_folder=""))
        assert found.texts.get("a.yml", key.encode()).startswith(right.encode())


def test_old_keys_of_an_operator_by_its_old_path(tmp_path: Path) -> None:
    text = """\
default:
  default_args: {start_date: 2026-01-01}
imports:
  schedule: "@daily"
  tasks:
    load:
      operator: airflow.operators.bash_operator.BashOperator
      bash_command: load
      execution_timeout_secs: 50
      provide_context: true
"""

    right = text.replace("airflow.operators.bash_operator", "airflow.providers.standard.operators.bash")
    right = right.replace("_timeout_secs: 50", "_timeout: {__type__: datetime.timedelta, seconds: 50}")
    assert fixed(tmp_path, text) == right.replace("      provide_context: true\n", "")


def test_a_file_by_a_variable_that_is_not_set(tmp_path: Path) -> None:
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "load.py").write_text("def load():\n    return 1\n")
    text = """\
imports:
  default_args: {start_date: 2026-01-01}
  tasks:
    load:
      operator: airflow.providers.standard.operators.python.PythonOperator
      python_callable_name: load
      python_callable_file: $AIRFLOW_HOME/dags/steps/load.py
"""

    assert fixed(tmp_path, text) == text.replace("$AIRFLOW_HOME/dags/", "")
