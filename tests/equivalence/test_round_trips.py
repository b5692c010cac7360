"""YAML → Python → the same DAG: every valid case, every example and every pair, or listed here with the reason.

One fresh process converts and builds all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

HERE = Path(__file__).parent
NOT_INSTALLED = "A package of its operators is not installed here, so Airflow cannot build it either."
AT_THE_TOP = (
    "A Python module imports the user's, and its packages are not installed here; a pipeline waits for the task."
)
LISTED = {
    "docs/examples/recipes/keras_model: predict_keras": AT_THE_TOP,
    "docs/examples/recipes/keras_model: train_keras": AT_THE_TOP,
    "docs/examples/recipes/kubernetes_pod: kubernetes_pod": NOT_INSTALLED,
    "docs/examples/recipes/pytorch_model: predict_pytorch": AT_THE_TOP,
    "docs/examples/recipes/pytorch_model: train_pytorch": AT_THE_TOP,
    "functions-with-any-arguments: any": "The UI shows the name of a function that is made when it is imported.",
    "operator-of-a-package-that-is-not-installed: operator-of-a-package-that-is-not-installed": NOT_INSTALLED,
    "operators-of-two-packages-that-are-not-installed: operators-of-two-packages-that-are-not-installed": NOT_INSTALLED,
}


class Trips(NamedTuple):
    """What differs, by `place: dag_id`, and the folder of the modules."""

    differences: dict[str, list[str]]
    modules: Path


@pytest.fixture(scope="module")
def trips(tmp_path_factory: pytest.TempPathFactory) -> Trips:
    root = tmp_path_factory.mktemp("trips")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    subprocess.run(
        [sys.executable, str(HERE / "round_trips.py"), str(root / "answer.json"), str(root / "modules")],
        env=environ | {"AIRFLOW_HOME": str(root / "home"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"},
        check=True,
        timeout=200,
    )
    return Trips(json.loads((root / "answer.json").read_text()), root / "modules")


def test_the_python_module_of_a_pipeline_is_the_same_dag(trips: Trips) -> None:
    different = {name: lines for name, lines in trips.differences.items() if lines}

    assert len(trips.differences) > 350
    assert {name: lines for name, lines in different.items() if name not in LISTED} == {}
    assert sorted(LISTED) == sorted(different)


def test_modules_are_formatted_as_ruff_would_and_lint_clean(trips: Trips) -> None:
    for command in (["format", "--diff"], ["check", "--select", "E4,E7,E9,F,I,UP,B,ANN", "--ignore", "ANN401"]):
        found = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", str(trips.modules)],
            cwd=trips.modules,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert found.returncode == 0, found.stdout[-3000:]
