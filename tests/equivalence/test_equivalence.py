"""Every pair of `pairs/`, NAME.py by hand and NAME.yaml, is the same Airflow DAG apart from `differences.py`.

A pair is two files; adding a test is adding them. One fresh process builds all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .compare import unlike
from .differences import DIFFERENCES, Difference

HERE = Path(__file__).parent
PAIRS = HERE / "pairs"
NAMES = sorted(path.stem for path in PAIRS.glob("*.yaml"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("pairs")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    subprocess.run(
        [sys.executable, str(HERE / "build_pairs.py"), str(PAIRS), str(root / "answer.json")],
        env=environ | {"AIRFLOW_HOME": str(root / "home"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"},
        check=True,
        timeout=120,
    )
    answer: dict[str, Any] = json.loads((root / "answer.json").read_text())
    return answer


def test_there_are_at_least_forty() -> None:
    assert len(NAMES) >= 40
    assert all((PAIRS / f"{name}.py").is_file() for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_by_hand_and_by_yaml_are_the_same_dag(built: dict[str, Any], name: str) -> None:
    pair = built[name]

    assert pair["findings"] == []
    assert pair["python"]
    assert pair["python"].keys() == pair["yaml"].keys()
    for dag_id, dag in pair["python"].items():
        assert unlike(dag, pair["yaml"][dag_id]) == []


@pytest.mark.parametrize("difference", [pytest.param(one, id=one.name.replace(" ", "-")) for one in DIFFERENCES])
def test_every_listed_difference_is_there(built: dict[str, Any], difference: Difference) -> None:
    others = [one for one in DIFFERENCES if one is not difference]

    assert any(
        unlike(dag, pair["yaml"][dag_id], others) for pair in built.values() for dag_id, dag in pair["python"].items()
    )
