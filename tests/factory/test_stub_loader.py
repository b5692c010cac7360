"""What a stub gives Airflow: a DAG, or an error whose text is the diagnostics."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.sdk import DAG
from airflow.sdk.definitions.context import KNOWN_CONTEXT_KEYS

from factory.diagnosis import PipelineError
from factory.stub_loader import load_stub
from schemas.context_names import CONTEXT_NAMES


def load(folder: Path, text: str, **arguments: tuple[tuple[str, str], ...]) -> DAG:
    (folder / "orders.yaml").write_text(text)
    namespace: dict[str, object] = {}
    load_stub(namespace, "orders.yaml", folder, **arguments)
    (dag,) = namespace.values()
    assert isinstance(dag, DAG)
    return dag


def error(folder: Path, text: str, **arguments: tuple[tuple[str, str], ...]) -> str:
    with pytest.raises(PipelineError) as raised:
        load(folder, text, **arguments)
    return str(raised.value)


def test_a_sound_pipeline_is_a_dag(tmp_path: Path) -> None:
    dag = load(tmp_path, "schedule: '@daily'\ntasks:\n  - {id: a, uses: empty}\n")
    assert dag.dag_id == "orders"
    assert dag.task_ids == ["a"]


def test_all_findings_are_in_the_error(tmp_path: Path) -> None:
    text = error(tmp_path, "schedule: '61 * * * *'\ntasks:\n  - {id: a, uses: emty}\n  - {id: a, uses: empty}\n")
    assert text.startswith("error[bad-cron] PF201")
    assert "pipelines/orders.yaml:1:12" in text
    assert "PF313" in text
    assert "PF301" in text


def test_what_only_airflow_finds_has_its_place(tmp_path: Path) -> None:
    sensor = "airflow.providers.standard.sensors.filesystem.FileSensor"
    text = error(
        tmp_path, f"tasks:\n  - id: a\n    uses: {sensor}\n    with:\n      filepath: x\n      poke_interval: soon\n"
    )
    assert "error[build-failed] PF317" in text
    assert "pipelines/orders.yaml:6:22" in text
    assert "Traceback" not in text


def test_an_unset_variable_is_an_error_of_the_build(tmp_path: Path) -> None:
    assert "error[unset-variable] PF318" in error(tmp_path, "poll:\n  url: ${env.NOT_SET_ANYWHERE}\n")


def test_a_claimed_dag_id_names_both_files(tmp_path: Path) -> None:
    text = error(tmp_path, "dag_id: sales\ntasks:\n  - {id: a, uses: empty}\n", conflicts=(("sales", "sales.yaml"),))
    assert "pipelines/orders.yaml:1:9" in text
    assert "claimed by pipelines/sales.yaml" in text


def test_values_of_the_environment_stay_out_of_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIES", "very private")
    text = error(tmp_path, "poll:\n  url: http://127.0.0.1/\n  retries: ${env.TRIES}\n")
    assert "${env.TRIES}" in text
    assert "private" not in text


def test_a_task_start_reads_no_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "tasks:\n  - {id: a, uses: steps.run, with: {speed: 1}}\n"
    (tmp_path / "steps.py").write_text("def run():\n    pass\n")
    assert "has no argument `speed`" in error(tmp_path, text)
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "orders")
    assert load(tmp_path, text).task_ids == ["a"]


def test_the_names_that_airflow_gives_are_all_known() -> None:
    assert CONTEXT_NAMES == KNOWN_CONTEXT_KEYS
