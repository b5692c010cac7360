"""YAML → Python → YAML: the same DAG, of every valid case, example and pair, or listed here with the reason. The pairs'
Python files → YAML, too. One fresh process converts and builds all; one for each imports what is written.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.programs import script_program

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
    "numbers-that-lose-a-zero: numbers-that-lose-a-zero": NOT_INSTALLED,
    "operator-of-a-package-that-is-not-installed: operator-of-a-package-that-is-not-installed": NOT_INSTALLED,
    "operators-of-two-packages-that-are-not-installed: operators-of-two-packages-that-are-not-installed": NOT_INSTALLED,
}

LISTED_BACK = {
    "by hand: asset_composite_partitions": "A mapper does not tell the arguments that it was made with.",
    "by hand: conditions": "A condition is a function there, and a template here.",
    "by hand: params_form": "A param that is a mapping has a type here.",
    "by hand: tutorial_dag": "Its functions ask for their values themselves; those in `functions` are given them.",
    "conditions-of-tasks: conditions-of-tasks": "A condition that a variable fills in is a constant.",
    "environment-in-every-place: environment-in-every-place": "A condition that a variable fills in is a constant.",
    "functions-with-any-arguments: any": LISTED["functions-with-any-arguments: any"],
    "pairs: asset_composite_partitions": "A mapper does not tell the arguments that it was made with.",
    "task-templates: shop": "Inside a group, a name is the group's own; a template's task names one outside of it.",
    "pairs: params_form": "A param that is a mapping has a type here.",
}


class Trips(NamedTuple):
    """What differs in Python, and in the YAML that is made of it, by `place: dag_id`; the same by way of
    Airflow 3.4's YAML; the folder of the modules, and what importing them raises, by the same names.
    `is_all`: of all places, not of a sample."""

    python: dict[str, list[str]]
    yaml: dict[str, list[str]]
    airflow: dict[str, list[str]]
    modules: Path
    failed: dict[str, str]
    is_all: bool


@pytest.fixture(
    scope="module", params=[pytest.param(8, id="sample"), pytest.param(1, id="all", marks=pytest.mark.soak)]
)
def trips(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trips:
    """All take minutes."""
    every: int = request.param
    root = tmp_path_factory.mktemp("trips")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environ |= {"AIRFLOW_HOME": str(root / "home"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    subprocess.run(
        [*script_program(HERE / "round_trips.py"), str(root / "answer.json"), str(root / "modules"), str(every)],
        env=environ,
        check=True,
        timeout=1800 // every,
    )
    answer = json.loads((root / "answer.json").read_text())
    subprocess.run(
        [sys.executable, str(HERE / "fresh_imports.py"), str(root / "failed.json")],
        input=json.dumps(answer["written"]),
        text=True,
        env=environ,
        cwd=root,
        check=True,
        timeout=1800 // every,
    )
    failed = json.loads((root / "failed.json").read_text())
    return Trips(answer["python"], answer["yaml"], answer["airflow"], root / "modules", failed, every == 1)


def test_the_python_module_of_a_pipeline_is_the_same_dag(trips: Trips) -> None:
    different = {name: lines for name, lines in trips.python.items() if lines}

    assert len(trips.python) > (350 if trips.is_all else 20)
    assert {name: lines for name, lines in different.items() if name not in LISTED} == {}
    assert not trips.is_all or sorted(LISTED) == sorted(different)


def test_a_fresh_process_imports_each_module(trips: Trips) -> None:
    """The build has imported the user's modules in the one that writes them."""
    assert {name: error for name, error in trips.failed.items() if name not in LISTED} == {}


def test_the_file_that_is_made_of_the_module_is_the_same_dag(trips: Trips) -> None:
    different = {name: lines for name, lines in trips.yaml.items() if lines}

    assert len([name for name in trips.yaml if name.startswith("by hand")]) >= (60 if trips.is_all else 7)
    assert {name: lines for name, lines in different.items() if name not in LISTED_BACK} == {}
    assert not trips.is_all or sorted(LISTED_BACK) == sorted(different)


def test_what_comes_back_from_airflow_is_the_same_dag(trips: Trips) -> None:
    """Of all of which nothing was said."""
    different = {name: lines for name, lines in trips.airflow.items() if lines}

    assert len(trips.airflow) > (160 if trips.is_all else 15)
    assert different == {}


def test_modules_are_formatted_as_ruff_would_and_lint_clean(trips: Trips) -> None:
    for command in (["format", "--diff"], ["check", "--select", "E4,E7,E9,F,I,UP,B,ANN", "--ignore", "ANN401"]):
        found = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", str(trips.modules)],
            cwd=trips.modules,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert found.returncode == 0, found.stdout[-3000:]
