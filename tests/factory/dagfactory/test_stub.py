"""A document of dag-factory in the bundle: what its stub depends on, and what it builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory.loading.pipelines import PipelineError, load_pipelines
from factory.operators import turn_off_telemetry
from factory.stub_loader import load_stub
from schemas.check.dependencies import pipeline_files

TWO = """
orders:
  tasks:
    load:
      operator: airflow.providers.standard.operators.python.PythonOperator
      python_callable_name: load
      python_callable_file: $CALLS/steps_of_orders.py
stock:
  tasks:
    count: {operator: airflow.providers.standard.operators.bash.BashOperator, bash_command: "count $TOKEN_OF_NOBODY"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, text in {
        "shop/orders.yml": TWO,
        "shop/steps_of_orders.py": "import words_of_orders\n\n\ndef load():\n    print(words_of_orders.WORD)\n",
        "words_of_orders.py": "WORD = 'loaded'\n",
        "defaults.yml": "default_args: {owner: company}\n",
        "other.yaml": "tasks:\n  - {id: a, uses: empty}\n",
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_all_that_it_depends_on_counts(folder: Path) -> None:
    (file,) = (file for file in pipeline_files(folder) if file.path == "shop/orders.yml")
    assert file.dag_ids == ("orders", "stock")
    needed = {"shop/orders.yml", "shop/steps_of_orders.py", "words_of_orders.py", "defaults.yml", "shop/defaults.yaml"}
    assert needed <= file.depends_on
    assert "other.yaml" not in file.depends_on


def test_its_stub_gives_its_dags_and_a_task_start_the_one_asked_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLS", str(folder / "shop"))
    namespace: dict[str, object] = {}
    load_stub(namespace, "shop/orders.yml", folder)
    assert sorted(dag.dag_id for dag in namespace.values()) == ["orders", "stock"]  # type: ignore[attr-defined]
    assert not list(folder.rglob("__pycache__"))

    namespace = {}
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "stock")
    load_stub(namespace, "shop/orders.yml", folder)
    assert list(load_pipelines(folder).dags) == ["stock"]
    (dag,) = namespace.values()
    assert dag.dag_id == "stock"  # type: ignore[attr-defined]
    assert dag.default_args["owner"] == "company"  # type: ignore[attr-defined]
    assert dag.doc_md is None  # type: ignore[attr-defined]


def test_what_only_the_build_finds_has_its_task_and_no_value_of_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLS", "/hidden-folder-of-somebody")
    namespace: dict[str, object] = {}
    load_stub(namespace, "shop/orders.yml", folder)
    said = str(namespace["dag_of_errors"].doc_md)  # type: ignore[attr-defined]
    assert "PF317" in said
    assert "hidden-folder" not in said
    assert "Traceback" not in said


def test_what_refuses_a_task_is_said_at_that_task(tmp_path: Path) -> None:
    (tmp_path / "orders.yml").write_text("""\
orders:
  tasks:
    done: {operator: airflow.providers.standard.operators.empty.EmptyOperator}
    load:
      operator: airflow.providers.standard.operators.bash.BashOperator
      variables_as_arguments: [{variable: of_nobody, attribute: bash_command}]
""")
    with pytest.raises(PipelineError) as raised:
        load_stub({}, "orders.yml", tmp_path)
    assert "missing keyword argument 'bash_command'" in str(raised.value)
    assert "orders.yml:5:7" in str(raised.value)


def test_a_part_of_a_text_that_comes_from_the_environment_stays_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORD_OF_ORDERS", "hunter2hunter2")
    (tmp_path / "steps_that_fail.py").write_text("""\
import os

raise ValueError(os.environ["WORD_OF_ORDERS"])


def load(said):
    print(said)
""")
    (tmp_path / "orders.yml").write_text("""\
orders:
  tasks:
    load:
      operator: airflow.providers.standard.operators.python.PythonOperator
      python_callable_name: load
      python_callable_file: steps_that_fail.py
      op_kwargs: {said: the word is $WORD_OF_ORDERS}
""")
    with pytest.raises(PipelineError) as raised:
        load_stub({}, "orders.yml", tmp_path)
    assert "ValueError: $WORD_OF_ORDERS" in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_telemetry_is_off_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from dagfactory import settings, telemetry  # noqa: PLC0415 # of no use to the other tests

    monkeypatch.delenv("AIRFLOW__DAG_FACTORY__ENABLE_TELEMETRY", raising=False)
    monkeypatch.setattr(settings, "enable_telemetry", True)
    turn_off_telemetry()
    assert not telemetry.should_emit()

    monkeypatch.setattr(settings, "enable_telemetry", True)
    monkeypatch.setenv("AIRFLOW__DAG_FACTORY__ENABLE_TELEMETRY", "True")
    turn_off_telemetry()
    assert settings.enable_telemetry
