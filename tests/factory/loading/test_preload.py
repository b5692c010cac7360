"""Preloading happens in the processes that fork, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from factory.loading.preload import FORKING_COMMANDS

SCRIPT = """
import sys
import factory.loading.preload as preload
preload.MODULES = ("tabnanny",)  # something light that nothing else imports
sys.argv = ["airflow", *sys.argv[1:]]
preload.preload_before_fork()
print("tabnanny" in sys.modules)
"""


def preloaded(*arguments: str) -> bool:
    out = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=True)
    return out.stdout.strip() == "True"


@pytest.mark.parametrize("command", sorted(FORKING_COMMANDS))
def test_processes_that_fork_preload(command: str) -> None:
    assert preloaded(command, "worker")


@pytest.mark.parametrize("arguments", [[], ["api-server"], ["triggerer"], ["dags", "list"], ["db", "migrate"]])
def test_others_do_not(arguments: list[str]) -> None:
    assert not preloaded(*arguments)


def test_a_broken_installation_is_loud() -> None:
    code = "import factory.loading.preload as p; p.MODULES = ('no_such_module',); p.preload()"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "No module named 'no_such_module'" in out.stderr


ENGINES = ("dlt", "duckdb", "pyarrow", "vl_convert", "altair", "sklearn", "skops", "pandas", "numpy", "sqlglot")
BASH_TASK = f"""
import sys
from pathlib import Path
sys.argv = ["airflow", "scheduler"]
import pipeline_factory
pipeline_factory.PipelineFactoryPlugin
from airflow.sdk.execution_time import task_runner
from factory.build import build
from schemas.check import Checker, CheckOptions
(pipeline,) = Checker(Path(), CheckOptions(read_sources=False)).file("a.yaml", "a").pipelines
build(pipeline).task_dict["a"].execute({{}})
print("modules:", *(name for name in {ENGINES!r} if name in sys.modules))
"""


PARSED = f"""
import sys
from pathlib import Path
from factory.stub_loader import load_stub
namespace = {{}}
load_stub(namespace, "a.yaml", Path())
print(namespace["dag_1"].task_ids)
print("modules:", *(name for name in {ENGINES!r} if name in sys.modules))
"""


def test_parsing_a_data_task_imports_no_engine(tmp_path: Path) -> None:
    """The reader of SQL, too: it only warns, and the dag-processor shows no warnings."""
    tasks = [
        "{id: s, uses: sql, with: {conn_id: w, sql: SELECT 1, fetch: rows}}",
        "{id: d, uses: duckdb, with: {sql: SELECT * FROM s, tables: {s: '${tasks.s.output}'}}}",
        "{id: l, uses: load, with: {conn_id: w, table: t, rows: '${tasks.d.output}'}}",
        "{id: c, uses: check, with: {rows: '${tasks.d.output}', row_count: {geq_to: 1}}}",
        "{id: t, uses: train, with: {rows: '${tasks.d.output}', target: x, estimator: sklearn.svm.SVC, to: m}}",
        "{id: p, uses: predict, with: {rows: '${tasks.d.output}', model: '${tasks.t.output.model}'}}",
    ]
    (tmp_path / "a.yaml").write_text(f"tasks: [{', '.join(tasks)}]")
    command = [sys.executable, "-W", "ignore", "-c", PARSED]
    out = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert [line for line in out.splitlines() if line.startswith(("[", "modules"))] == [
        "['s', 'd', 'l', 'c', 't', 'p']",
        "modules:",
    ]


def test_a_task_that_uses_no_engine_imports_none(tmp_path: Path) -> None:
    chart = "{rows: [{x: 1}], spec: {mark: bar, encoding: {x: {field: x}}}, to: a.svg}"
    others = f"{{id: s, uses: sql, with: {{conn_id: w, sql: SELECT 1}}}}, {{id: c, uses: chart, with: {chart}}}"
    (tmp_path / "a.yaml").write_text(f"tasks: [{{id: a, uses: bash, with: {{bash_command: 'true'}}}}, {others}]")
    command = [sys.executable, "-W", "ignore", "-c", BASH_TASK]
    out = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1].split() == ["modules:"]
