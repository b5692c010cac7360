"""`factory.load_pipelines` and `dags/pipelines.py`, in processes as Airflow has them: one parses, one starts a task."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOD = "tasks:\n  - {id: a, uses: empty}\n"
BAD = "tasks:\n  - {id: a, uses: emty}\n"

LOAD = """
import json, os, runpy
found = runpy.run_path(os.environ["DAG_FILE"])
from airflow.sdk import DAG
dags = {d.dag_id: d for d in found.values() if isinstance(d, DAG)}
print(json.dumps({"dags": {k: sorted(d.task_ids) for k, d in dags.items()},
                  "docs": dags["pipelines_with_errors"].doc_md if "pipelines_with_errors" in dags else ""}))
"""


def load(folder: Path, home: Path, **environment: str) -> dict[str, Any]:
    result = subprocess.run(
        [sys.executable, "-c", LOAD],
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW__")},
            "AIRFLOW_HOME": str(home),
            "PIPELINES_FOLDER": str(folder),
            "DAG_FILE": str(ROOT / "dags" / "pipelines.py"),
            **environment,
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    answer: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return answer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pipelines"
    (folder / "sales").mkdir(parents=True)
    (folder / "good.yaml").write_text(GOOD)
    (folder / "sales" / "daily.yaml").write_text(f"dag_id: renamed\n{GOOD}")
    return folder


def test_what_is_broken_shows_in_one_more_dag(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.yaml").write_text(BAD)
    (folder / "copy.yaml").write_text(f"dag_id: renamed\n{GOOD}")
    answer = load(folder, tmp_path)
    assert answer["dags"] == {"good": ["a"], "pipelines_with_errors": []}
    assert "did you mean `empty`?" in answer["docs"]
    assert "pipelines/bad.yaml:2:19" in answer["docs"]
    assert "is also claimed by pipelines/sales/daily.yaml" in answer["docs"]


def test_a_task_start_builds_only_its_own(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.yaml").write_text(BAD)
    assert load(folder, tmp_path, _AIRFLOW_PARSING_CONTEXT_DAG_ID="good")["dags"] == {"good": ["a"]}
    assert load(folder, tmp_path, _AIRFLOW_PARSING_CONTEXT_DAG_ID="renamed")["dags"] == {"renamed": ["a"]}


def test_nothing_where_the_bundle_is_configured(folder: Path, tmp_path: Path) -> None:
    bundle = [{"name": "pipelines", "classpath": "factory.bundle.PipelineBundle", "kwargs": {"folder": str(folder)}}]
    answer = load(folder, tmp_path, AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST=json.dumps(bundle))
    assert answer["dags"] == {}
