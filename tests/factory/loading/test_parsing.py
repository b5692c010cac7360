"""Every sound pipeline arrives in Airflow: the dag-processor's child process builds its DAGs, and can send them.

What cannot be sent is lost in silence: Airflow then has neither a DAG nor an import error of the file.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.case_files import Case, cases

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "docs" / "examples"
CASES = {case.name: case for case in cases("valid")}
REFUSED = {
    "docs/examples/recipes/kubernetes_pod": "is `apache-airflow-providers-cncf-kubernetes` installed?",
    "environment-unset-variable-is-a-warning": "the environment variable `SHOP_URL` is not set",
    "ignore-comments": "the environment variable `SHOP_URL` is not set",
    "numbers-that-lose-a-zero": "is `apache-airflow-providers-snowflake` installed?",
    "operator-of-a-package-that-is-not-installed": "is `apache-airflow-providers-nowhere` installed?",
    "operators-of-two-packages-that-are-not-installed": "is `apache-airflow-providers-google` installed?",
}
"""What lint lets pass, since it may be otherwise where Airflow runs, and what Airflow then shows."""


def example_folders() -> list[Path]:
    """The pipelines folders of the documentation, and this project's own."""
    inside = {"recipes": "*", **dict.fromkeys(("composition", "policy", "templates"), "pipelines")}
    found = [ROOT / "pipelines"]
    for folder in (p for p in sorted(EXAMPLES.iterdir()) if not p.name.startswith("broken")):
        found += sorted(folder.glob(inside[folder.name])) if folder.name in inside else [folder]
    return found


def alone(case: Case, folder: Path) -> Path:
    """A folder that holds the case and nothing else."""
    if case.is_folder:
        shutil.copytree(case.folder, folder)
    else:
        folder.mkdir(parents=True)
        shutil.copy(case.folder / case.files[0], folder)
    return folder


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Airflow made of each file, by the folder of an example, or the name of a case."""
    root = tmp_path_factory.mktemp("parsed")
    named = {str(folder.relative_to(ROOT)): (folder, {}) for folder in example_folders()}
    named |= {name: (alone(case, root / name), case.environ) for name, case in CASES.items()}
    request = [{"folder": str(folder), "environ": environ} for folder, environ in named.values()]
    (root / "request.json").write_text(json.dumps(request))
    command = [
        sys.executable,
        "-m",
        "tests.factory.loading.parse_folders",
        str(root / "request.json"),
        str(root / "answer.json"),
    ]
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(root / "home"),
        "AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACKS": "False",
    }
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=600)
    answer = json.loads((root / "answer.json").read_text())
    return {name: answer[str(folder)] for name, (folder, _) in named.items()}


@pytest.mark.parametrize("name", [*(str(folder.relative_to(ROOT)) for folder in example_folders()), *CASES])
def test_each_file_is_a_dag_or_says_why_not(parsed: dict[str, Any], name: str) -> None:
    files = parsed[name]
    assert files
    assert name not in CASES or sorted(files) == sorted(CASES[name].pipelines)
    if name in REFUSED:
        assert any(REFUSED[name] in found["error"] for found in files.values())
    else:
        assert [found["error"] for found in files.values()] == [""] * len(files)
        assert all(found["dags"] for found in files.values())
