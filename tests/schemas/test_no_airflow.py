"""Lint costs no import of Airflow and works without it; the language knows nothing of the factory."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LANGUAGE = sorted((ROOT / "schemas").rglob("*.py"))
REPORTERS = sorted((ROOT / "factory" / "reporters").glob("*.py"))
AIRFLOW = ("airflow", "dagfactory")
FOR_SOME_FILES = {
    "schemas.expressions.template_parts": {"jinja2"},
    "schemas.expressions.templates": {"jinja2"},
    "schemas.folder.discovery": {"pathspec"},
    "schemas.rules.http_expressions": {"jmespath"},
    "schemas.model.value_schema": {"jsonschema"},
    "schemas.rules.data_values": {"jsonschema"},
    "schemas.rules.commands": {"sqlglot"},
    "schemas.rules.template_files": {"jinja2"},
    "schemas.rules.template_values": {"jinja2"},
}
"""What only files that need it import, and only then."""


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> Iterator[str]:
    """First names of every module that a file imports, wherever in the file it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "(relative)" if node.level else str(node.module).partition(".")[0]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            # A name that is put together counts where its first part is written out.
            written = ast.unparse(node.args[0]).lstrip("f").strip("'\"") if node.args else ""
            yield written.partition(".")[0]


@pytest.mark.parametrize("path", LANGUAGE, ids=module)
def test_the_language_imports_no_airflow_and_no_factory(path: Path) -> None:
    allowed = {"croniter", "pydantic", "pydantic_core", "schemas", "tzdata", "yaml", *sys.stdlib_module_names}

    assert set(imported(path)) <= allowed | FOR_SOME_FILES.get(module(path), set())


@pytest.mark.parametrize("path", REPORTERS, ids=module)
def test_reporters_need_nothing_but_the_language(path: Path) -> None:
    assert set(imported(path)) <= {"factory", "schemas", *sys.stdlib_module_names}


def loaded(modules: list[str], *, blocked: tuple[str, ...] = ()) -> set[str]:
    """First names of what a fresh interpreter has loaded after importing modules; `blocked` are not there."""
    code = (
        f"import sys\nfor name in {blocked!r}: sys.modules[name] = None\n"
        f"import importlib\nfor name in {modules!r}: importlib.import_module(name)\n"
        "print(*sorted({m.partition('.')[0] for m, v in sys.modules.items() if v is not None}))"
    )
    command = [sys.executable, "-c", code]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    assert child.returncode == 0, child.stderr
    return set(child.stdout.split())


def test_a_fresh_interpreter_loads_no_airflow_with_the_language() -> None:
    assert not loaded([module(path) for path in LANGUAGE]) & {*AIRFLOW, "factory"}


def test_a_fresh_interpreter_loads_no_airflow_with_the_reporters_and_the_command_line() -> None:
    names = [module(path) for path in REPORTERS]
    if (ROOT / "factory" / "cli" / "lint.py").exists():
        names += ["factory.cli", "factory.cli.lint"]

    assert not loaded(names) & set(AIRFLOW)


def test_a_pipeline_is_checked_where_airflow_is_missing(tmp_path: Path) -> None:
    (tmp_path / "orders.yaml").write_text("poll:\n  url: http://localhost/\n  metod: GET\n")
    code = (
        f"import sys\nfor name in {AIRFLOW!r}: sys.modules[name] = None\n"
        "from pathlib import Path\nfrom factory.reporters.full import concise\nfrom schemas.check import check_folder\n"
        f"print(concise(check_folder(Path({str(tmp_path)!r})).diagnostics))"
    )
    child = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=600
    )

    assert child.stdout == ("pipelines/orders.yaml:3:3: PF102 unknown key `metod` in `poll` (did you mean `method`?)\n")
