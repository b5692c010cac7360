"""What lint says where an extra is not installed: a note, and nothing that keeps the pipeline from being built."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from schemas.check import check_file
from schemas.findings.codes import Code, Severity
from schemas.model.built_ins import models, tables
from schemas.model.fields import Model
from schemas.rules import data_tasks
from tests.case_files import CASES

PIPELINE = """
tasks:
  - {id: a, uses: duckdb, with: {sql: SELECT 1}}
  - {id: b, uses: load, with: {rows: [{id: 1}], conn_id: warehouse, table: orders}}
"""
ENGINES = ("dlt", "duckdb", "pyarrow", "vl_convert", "altair", "sklearn", "skops", "pandas", "numpy", "airflow")


def test_a_missing_extra_is_a_note_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(PIPELINE)
    code = (
        "import importlib.util as u\n"
        "real = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name in ('dlt', 'duckdb') else real(name, *more)\n"
        "from schemas.check import check_file\nfrom pathlib import Path\n"
        f"result = check_file(Path({str(tmp_path)!r}), 'a.yaml')\n"
        "print(len(result.pipelines), *((d.code.id, d.message, d.help) for d in result.diagnostics), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "1",
        "('PF370', '`duckdb` needs the extra `duckdb`, which is not installed here', "
        "\"where the task runs: pip install 'airflow-pipeline-factory[duckdb]'\")",
        "('PF370', '`load` needs the extra `load`, which is not installed here', "
        "\"where the task runs: pip install 'airflow-pipeline-factory[load]'\")",
    ]
    assert Code.EXTRA_NOT_INSTALLED.severity is Severity.NOTE


def test_lint_imports_no_engine(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(PIPELINE)
    code = (
        "import sys\nfrom pathlib import Path\nfrom schemas.check import check_file\n"
        f"assert check_file(Path({str(tmp_path)!r}), 'a.yaml').pipelines\n"
        f"print(*[name for name in {ENGINES!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    ("uses", "key", "ending", "needs"),
    [
        ("sql", "sql", ".sql", "conn_id: w"),
        ("duckdb", "sql", ".sql", "max_rows: 1"),
        ("wait_sql", "sql", ".sql", "conn_id: w"),
        ("chart", "spec", ".vl.json", "rows: [{a: 1}], to: a.svg"),
        ("bash", "bash_command", ".sh", "env: {A: b}"),
        ("airflow.providers.common.sql.operators.sql.SQLExecuteQueryOperator", "sql", ".sql", "conn_id: w"),
    ],
)
def test_a_file_that_is_not_utf8_is_named_where_it_is_not(
    tmp_path: Path, uses: str, key: str, ending: str, needs: str
) -> None:
    (tmp_path / "a.yaml").write_text(f"tasks:\n  - {{id: a, uses: {uses}, with: {{{key}: text{ending}, {needs}}}}}\n")
    text = "-- Umsätze\nSELECT 'Münster' -- {{ ds }}\n"
    file = tmp_path / f"text{ending}"
    for encoding, line, column in (("latin-1", 1, 7), ("cp1252", 1, 7), ("utf-16", 1, 1)):
        file.write_bytes(text.encode(encoding))
        (found,) = check_file(tmp_path, "a.yaml").diagnostics
        assert (found.code, Path(found.file).name) == (Code.NOT_UTF8, file.name)
        assert found.span[:2] == (line, column)
        assert "factory rule PF002" in found.help
    for encoding in ("utf-8", "utf-8-sig", "ascii"):
        file.write_bytes(text.encode(encoding, "ignore"))
        assert check_file(tmp_path, "a.yaml").diagnostics == ()


def test_every_engine_belongs_to_a_built_in(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("tasks: [{id: a, uses: empty}]")
    assert check_file(tmp_path, "a.yaml").diagnostics == ()
    assert set(data_tasks.SOURCES) <= {*data_tasks.ENGINES, "check"}


ARGUMENTS: Mapping[str, type[Model]] = {
    "sql": tables.SqlArguments,
    "load": tables.LoadArguments,
    "duckdb": tables.DuckdbArguments,
    "check": tables.CheckArguments,
    "chart": models.ChartArguments,
    "train": models.TrainArguments,
    "predict": models.PredictArguments,
}


@pytest.mark.parametrize("kind", ["valid", "invalid"])
def test_every_key_has_cases(kind: str) -> None:
    used: dict[str, set[str]] = {uses: set() for uses in ARGUMENTS}
    for file in (CASES / kind).glob("*.yaml"):
        if any(f"uses: {uses}" in file.read_text(encoding="utf-8") for uses in ARGUMENTS):
            with suppress(yaml.YAMLError):  # some cases are of its errors
                for task in yaml.safe_load(file.read_text(encoding="utf-8"))["tasks"]:
                    used.get(task.get("uses"), set()).update(task.get("with") or ())
    for uses, arguments in ARGUMENTS.items():
        assert {field.alias or name for name, field in arguments.model_fields.items()} <= used[uses]
