"""`factory.load_pipelines` and `dags/pipelines.py`, in processes as Airflow has them: one parses, one starts a task."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from factory.loading.pipelines import PipelineError, load_pipelines
from schemas.findings.codes import Code

ROOT = Path(__file__).resolve().parents[3]
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
    result = process(folder, home, **environment)
    assert result.returncode == 0, result.stderr
    answer: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return answer


def process(folder: Path, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
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
        timeout=600,
    )


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
    assert "is also used by pipelines/sales/daily.yaml" in answer["docs"]


def test_an_environment_that_no_pipeline_declares_shows_there_too(folder: Path, tmp_path: Path) -> None:
    assert load(folder, tmp_path, PIPELINE_ENVIRONMENT="prdo")["docs"] == ""
    (folder / "good.yaml").write_text("environments: {prod: {tags: [prod]}}\n" + GOOD)
    answer = load(folder, tmp_path, PIPELINE_ENVIRONMENT="prdo")
    assert answer["dags"] == {"good": ["a"], "renamed": ["a"], "pipelines_with_errors": []}
    assert "no pipeline declares the environment `prdo`; did you mean `prod`?" in answer["docs"]
    assert load(folder, tmp_path, PIPELINE_ENVIRONMENT="prod")["docs"] == ""


def test_a_task_start_builds_only_its_own(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.yaml").write_text(BAD)
    assert load(folder, tmp_path, _AIRFLOW_PARSING_CONTEXT_DAG_ID="good")["dags"] == {"good": ["a"]}
    assert load(folder, tmp_path, _AIRFLOW_PARSING_CONTEXT_DAG_ID="renamed")["dags"] == {"renamed": ["a"]}


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({"orders.v2.yaml": ""}, "orders.v2"),
        ({"orders/v2.yml": "", "orders.v2.yaml": "dag_id: other\n"}, "orders.v2"),
        ({"orders.yaml": "dag_id: new_orders\n", "x.yaml": "dag_id: orders\n"}, "orders"),
        ({"x.yaml": 'dag_id: "\\x6frders"\n', "y.yaml": "# orders\n"}, "orders"),
        ({"orders.yaml": "a: [\n", "x.yaml": "dag_id: orders\n"}, "orders"),
    ],
)
def test_a_task_start_finds_every_file_that_claims_its_dag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], wanted: str
) -> None:
    for name, head in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(head + GOOD)
    assert wanted in load_pipelines(tmp_path).dags
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", wanted)
    assert list(load_pipelines(tmp_path).dags) == [wanted]


def test_a_task_start_says_what_is_wrong_with_its_own(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.yaml").write_text(BAD)
    result = process(folder, tmp_path, _AIRFLOW_PARSING_CONTEXT_DAG_ID="bad")
    assert result.returncode == 1
    assert "pipelines/bad.yaml:2:19" in result.stderr


def test_a_task_start_takes_no_dag_that_two_files_claim(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "copy.yaml").write_text(f"dag_id: renamed\n{GOOD}")
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "renamed")
    with pytest.raises(PipelineError, match=r"is also used by pipelines/copy\.yaml"):
        load_pipelines(folder)


def test_an_operator_that_ends_the_process_takes_no_other_dag_with_it(folder: Path) -> None:
    (folder / "load_leaving.py").write_text("import sys\nsys.exit('gone')\n")
    (folder / "leaving.yaml").write_text("tasks:\n  - {id: a, uses: load_leaving.Leaving}\n")
    (folder / "old.yaml").write_text(f"start_date: 0001-01-01T00:00:00+09:00\n{GOOD}")
    result = load_pipelines(folder)
    assert result.dags.keys() == {"good", "renamed", "pipelines_with_errors"}
    assert {d.file for d in result.diagnostics} == {"pipelines/old.yaml", "pipelines/leaving.yaml"}


def test_a_dag_that_airflow_cannot_store_takes_no_other_with_it(folder: Path) -> None:
    (folder / "odd.py").write_text(
        "from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator\n\n\n"
        "class Odd(TriggerDagRunOperator):\n"
        "    def __init__(self, **more):\n"
        "        super().__init__(trigger_dag_id='a', **more)\n"
        "        self.trigger_dag_id = ['a', 'b']\n"
    )
    (folder / "odd.yaml").write_text("schedule: null\ntasks: [{id: a, uses: odd.Odd}]\n")
    (folder / "sound.yaml").write_text("schedule: null\ntasks: [{id: a, uses: empty}]\n")
    loaded = load_pipelines(folder)

    assert "sound" in loaded.dags
    assert "odd" not in loaded.dags
    assert [
        "Airflow cannot store it" in one.message for one in loaded.diagnostics if one.file.endswith("odd.yaml")
    ] == [True]


def test_a_cycle_that_only_airflow_finds_takes_no_other_with_it(folder: Path) -> None:
    (folder / "rounds.py").write_text(
        "from airflow.providers.standard.operators.empty import EmptyOperator\n\n\n"
        "class Round(EmptyOperator):\n"
        "    def __init__(self, **more):\n"
        "        super().__init__(**more)\n"
        "        self.set_upstream(self)\n"
    )
    (folder / "round.yaml").write_text("schedule: null\ntasks: [{id: a, uses: rounds.Round}]\n")
    loaded = load_pipelines(folder)

    assert loaded.dags.keys() == {"good", "renamed", "pipelines_with_errors"}
    assert [(d.file, d.message) for d in loaded.diagnostics] == [
        ("pipelines/round.yaml", "Airflow refused it: Cycle detected in Dag: round. Faulty task: a")
    ]


def test_a_pipeline_named_like_the_loaders_own_dag_is_a_finding(folder: Path) -> None:
    (folder / "pipelines_with_errors.yaml").write_text(GOOD)
    result = load_pipelines(folder)
    assert [(d.code, d.file) for d in result.diagnostics] == [
        (Code.DUPLICATE_DAG_ID, "pipelines/pipelines_with_errors.yaml")
    ]
    assert result.dags["pipelines_with_errors"].task_ids == []


def test_nothing_where_the_bundle_is_configured(folder: Path, tmp_path: Path) -> None:
    bundle = [{"name": "pipelines", "classpath": "factory.bundle.PipelineBundle", "kwargs": {"folder": str(folder)}}]
    answer = load(folder, tmp_path, AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST=json.dumps(bundle))
    assert answer["dags"] == {}
