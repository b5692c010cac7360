"""dag-factory's own test configurations and examples: what it builds, builds here to the same serialized DAGs.

They are not part of this repository: CONTRIBUTING.md says how to get them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.programs import script_program

CHECKOUT = os.environ.get("DAG_FACTORY_CHECKOUT", "")
SCRIPT = Path(__file__).with_name("side_by_side.py")
FOLDERS = (
    "dev/dags",
    "scripts/airflow3/dags",
    "tests/fixtures",
    "tests/fixtures_without_default_yaml",
    "tests/schedule",
)
DAG = """\
orders:
  start_date: 2026-01-01
  tasks:
    load: {operator: airflow.providers.standard.operators.empty.EmptyOperator}
"""

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(
        not CHECKOUT, reason="DAG_FACTORY_CHECKOUT names no checkout of dag-factory: see CONTRIBUTING.md"
    ),
]


def documents(folder: Path) -> list[str]:
    found = (p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.suffix in (".yml", ".yaml"))
    return sorted(file for file in found if not file.startswith("airflow2/") and not file.endswith("defaults.yml"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What both made of every document, by its path in the checkout."""
    root = tmp_path_factory.mktemp("upstream")
    request = []
    for folder in FOLDERS:
        copy = Path(shutil.copytree(Path(CHECKOUT) / folder, root / folder))
        if folder == "tests/schedule":
            # Each holds only a `schedule`, which the tests of dag-factory put into a DAG.
            for path in copy.glob("*.yml"):
                schedule = "".join(f"  {line}\n" for line in path.read_text().splitlines())
                path.write_text(DAG + schedule)
        environ = {"PWD": str(root), "CONFIG_ROOT_DIR": str(root / "dev/dags")}
        request.append({"folder": str(copy), "files": documents(copy), "environ": environ, "convert": False})
    (root / "request.json").write_text(json.dumps(request))
    home = {"AIRFLOW_HOME": str(root / "home"), "AIRFLOW__DAG_FACTORY__ENABLE_TELEMETRY": "False"}
    command = [*script_program(SCRIPT), str(root / "request.json"), str(root / "answer.json")]
    subprocess.run(command, cwd=root, env={**os.environ, **home}, check=True, timeout=600)
    answer = json.loads((root / "answer.json").read_text())
    return {key.removeprefix(f"{root}/"): value for key, value in answer.items()}


def test_what_dag_factory_builds_is_the_same_dags_here(built: dict[str, Any]) -> None:
    built_there = {file: one for file, one in built.items() if one["theirs"] is not None}

    assert len(built_there) > 30
    unlike = {file: one["findings"] for file, one in built_there.items() if one["ours"] != one["theirs"]}
    assert unlike == {}


def test_what_dag_factory_refuses_is_an_error_here(built: dict[str, Any]) -> None:
    refused = {file: one for file, one in built.items() if one["theirs"] is None}

    assert refused
    silent = [file for file, one in refused.items() if all(f["severity"] != "error" for f in one["findings"])]
    assert silent == []
