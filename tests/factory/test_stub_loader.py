"""What a stub gives Airflow: a DAG, or an error whose text is the diagnostics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow.sdk import DAG
from airflow.sdk.definitions.context import KNOWN_CONTEXT_KEYS

from factory.loading.pipelines import PipelineError
from factory.stub_loader import load_stub
from schemas.check import language
from schemas.findings.diagnostics import Diagnostic
from schemas.model.task_base import CONTEXT_NAMES


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
    assert "error[wrong-argument] PF316" in text
    assert "pipelines/orders.yaml:6:22" in text
    assert "Traceback" not in text


def test_a_defect_of_ours_is_a_finding_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(_: object) -> Iterator[Diagnostic]:
        yield from ()
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(language, "RULES", (defect,))
    text = error(tmp_path, "tasks:\n  - {id: a, uses: empty}\n")
    assert "PF014: checking it failed: ZeroDivisionError: by nothing" in text
    assert "pipelines/orders.yaml:1:1" in text


def test_an_unset_variable_is_an_error_of_the_build(tmp_path: Path) -> None:
    assert "error[unset-variable] PF318" in error(tmp_path, "poll:\n  url: ${env.NOT_SET_ANYWHERE}\n")


def test_a_claimed_dag_id_names_both_files(tmp_path: Path) -> None:
    text = error(tmp_path, "dag_id: sales\ntasks:\n  - {id: a, uses: empty}\n", conflicts=(("sales", "sales.yaml"),))
    assert "pipelines/orders.yaml:1:9" in text
    assert "used by pipelines/sales.yaml" in text


def test_values_of_the_environment_stay_out_of_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIES", "very private")
    text = error(tmp_path, "poll:\n  url: http://127.0.0.1/\n  retries: ${env.TRIES}\n")
    assert "${env.TRIES}" in text
    assert "private" not in text


OPERATOR = """
import sys
from airflow.sdk import BaseOperator

class Picky(BaseOperator):
    def __init__(self, *, text, **kwargs):
        super().__init__(**kwargs)
        if text:
            raise ValueError("bad text " + text.split("/")[-1])

class Leaving(BaseOperator):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        sys.exit(3)
"""
PICKY = "tasks:\n  - {id: a, uses: MODULE.Picky, with: {text: '%s'}}\n"
SENSOR = "airflow.providers.standard.sensors.filesystem.FileSensor"
PARAM = "schedule: '@daily'\nparams: {size: {type: integer, default: '%s'}}\ntasks: [{id: a, uses: empty}]\n"


@pytest.mark.parametrize("value", ["very/private", "very/priv'a\"te\\", "very/" + "private" * 100])
@pytest.mark.parametrize(
    ("text", "says"),
    [
        (PICKY % "x/${env.WORD}", "Picky refused it: bad text"),
        (f"tasks: [{{id: a, uses: {SENSOR}, with: {{filepath: x, poke_interval: '${{env.WORD}}'}}}}]\n", "a duration"),
        (PARAM % "${env.WORD}", "must be of type `integer`"),
    ],
    ids=["refused", "argument", "params"],
)
def test_the_build_shows_no_values_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, says: str, value: str
) -> None:
    # Imported modules stay: each test has its own.
    (tmp_path / f"{tmp_path.name}.py").write_text(OPERATOR)
    # The operator shows what is behind the last `/` only.
    monkeypatch.setenv("WORD", value.rpartition("/")[2] if "Picky" in text else value)
    found = error(tmp_path, text.replace("MODULE", tmp_path.name))
    assert says in found
    assert "${env.WORD}" in found.splitlines()[0]
    assert "priv" not in found


def test_an_operator_that_ends_the_process_is_an_error(tmp_path: Path) -> None:
    (tmp_path / f"{tmp_path.name}.py").write_text(OPERATOR)
    text = error(tmp_path, f"tasks:\n  - id: a\n    uses: {tmp_path.name}.Leaving\n")
    assert "error[build-failed] PF317: Leaving refused it: it called `sys.exit(3)`" in text
    assert "pipelines/orders.yaml:3:11" in text


def test_a_defect_is_an_error_at_the_file_and_its_traceback_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = "import airflow.sdk\n\nclass Meta(type(airflow.sdk.BaseOperator)):\n"
    source += "    def __call__(cls, **kwargs):\n        return None\n\n"
    source += "class Nothing(airflow.sdk.BaseOperator, metaclass=Meta):\n    pass\n"
    (tmp_path / "stub_nothing.py").write_text(source)
    (tmp_path / "orders.yaml").write_text(
        "tasks:\n  - {id: a, uses: stub_nothing.Nothing}\n  - {id: b, uses: empty, needs: [a]}\n"
    )
    with pytest.raises(PipelineError, match=r"PF317: building it failed: \w+Error: ") as raised:
        load_stub({}, "orders.yaml", tmp_path)
    assert "pipelines/orders.yaml:1:1" in str(raised.value)
    assert "Traceback" not in str(raised.value)
    assert "Traceback" in caplog.text


def test_a_module_that_fails_is_told_from_one_without_the_name(tmp_path: Path) -> None:
    (tmp_path / "stub_failing.py").write_text("import os\nMyOp = os.no_such_thing\n")
    (tmp_path / "stub_without.py").write_text("import os\n\ndef __getattr__(name):\n    return getattr(os, name)\n")
    text = error(tmp_path, "tasks:\n  - {id: a, uses: stub_failing.MyOp}\n  - {id: b, uses: stub_without.MyOp}\n")
    assert "AttributeError: module 'os' has no attribute 'no_such_thing'" in text
    assert "the module `stub_without` has no `MyOp`" in text


def test_a_task_start_reads_no_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "tasks:\n  - {id: a, uses: steps.run, with: {speed: 1}}\n"
    (tmp_path / "steps.py").write_text("def run():\n    pass\n")
    assert "has no argument `speed`" in error(tmp_path, text)
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "orders")
    assert load(tmp_path, text).task_ids == ["a"]


MATRIX = """
dag_id: orders-${matrix.region}
matrix: {region: [eu, us]}
environments: {prod: {tags: [prod]}}
tasks:
  - {id: "load_${matrix.region}", uses: empty}
"""


@pytest.mark.parametrize(("wanted", "ids"), [(None, {"orders-eu", "orders-us"}), ("orders-us", {"orders-us"})])
def test_a_matrix_makes_several_dags_and_a_task_start_builds_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str | None, ids: set[str]
) -> None:
    if wanted is not None:
        monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", wanted)
    (tmp_path / "orders.yaml").write_text(MATRIX)
    namespace: dict[str, object] = {}
    load_stub(namespace, "orders.yaml", tmp_path)
    dags = [dag for dag in namespace.values() if isinstance(dag, DAG)]
    assert {dag.dag_id for dag in dags} == ids
    assert all(dag.task_ids == [f"load_{dag.dag_id[-2:]}"] for dag in dags)


def test_the_environment_is_the_stubs_whatever_the_process_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "orders.yaml").write_text(MATRIX)

    def tags(variable: str, **arguments: str) -> set[str]:
        monkeypatch.setenv("PIPELINE_ENVIRONMENT", variable)
        namespace: dict[str, object] = {}
        load_stub(namespace, "orders.yaml", tmp_path, **arguments)  # type: ignore[arg-type] # only `environment`
        return {tag for dag in namespace.values() if isinstance(dag, DAG) for tag in dag.tags}

    assert (tags("", environment="prod"), tags("prod")) == ({"prod"}, set())


def test_the_names_that_airflow_gives_are_all_known() -> None:
    assert CONTEXT_NAMES == KNOWN_CONTEXT_KEYS


TWO_DAGS = """\
default: {default_args: {start_date: 2026-01-01}}
good:
  tasks: {a: {operator: airflow.providers.standard.operators.empty.EmptyOperator}}
bad:
  tasks: {a: {operator: airflow.providers.standard.operators.bash.BashOperator, bash_comand: echo}}
"""


def test_one_bad_dag_of_a_dag_factory_document_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "orders.yml").write_text(TWO_DAGS)
    namespace: dict[str, object] = {}
    load_stub(namespace, "orders.yml", tmp_path)
    dags = {dag.dag_id: dag for dag in namespace.values() if isinstance(dag, DAG)}
    assert dags.keys() == {"good", "orders_with_errors"}
    assert "pipelines/orders.yml:5:" in str(dags["orders_with_errors"].doc_md)


@pytest.mark.parametrize("text", [TWO_DAGS.replace("{default_args: {start_date: 2026-01-01}}", "5"), TWO_DAGS + "]"])
def test_an_error_of_the_whole_document_leaves_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "orders.yml").write_text(text)
    with pytest.raises(PipelineError):
        load_stub({}, "orders.yml", tmp_path)
