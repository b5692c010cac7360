"""Every pair of `pairs/`, NAME.py by hand and NAME.yaml, is the same Airflow DAG apart from `differences.py`.

A pair is two files; adding a test is adding them. One fresh process builds all.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.programs import script_program

from .compare import unlike
from .differences import DIFFERENCES, Difference

HERE = Path(__file__).parent
PAIRS = HERE / "pairs"
NAMES = sorted(path.stem for path in PAIRS.glob("*.yaml"))
MIGRATING = HERE.parents[1] / "docs" / "examples" / "migrating"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("pairs")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    subprocess.run(
        [*script_program(HERE / "build_pairs.py"), str(root / "answer.json"), str(PAIRS), str(MIGRATING)],
        env=environ | {"AIRFLOW_HOME": str(root / "home"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"},
        check=True,
        timeout=600,
    )
    answer: dict[str, Any] = json.loads((root / "answer.json").read_text())
    return answer


def test_there_are_at_least_forty() -> None:
    assert len(NAMES) >= 40
    assert all((PAIRS / f"{name}.py").is_file() for name in NAMES)


@pytest.mark.parametrize("name", [*NAMES, "orders"])
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


def test_the_migration_guide_has_the_same_dag_in_dag_factory(built: dict[str, Any]) -> None:
    theirs = json.loads(
        json.dumps(built["orders_dag_factory"]["yaml"]["orders_dag_factory"]).replace("_dag_factory", "")
    )

    places = [line.partition(": ")[0] for line in unlike(built["orders"]["python"]["orders"], theirs)]
    # dag-factory adds a tag, and its document pulls the total in a template.
    assert places == ["tags", "tasks.say.__var.env.TOTAL"]


def test_a_change_anywhere_in_a_task_is_seen(built: dict[str, Any]) -> None:
    dag = built["weights"]["yaml"]["weights"]
    for number, task in enumerate(dag["tasks"]):
        for key in task["__var"].keys() - {"parameters"}:
            changed = copy.deepcopy(dag)
            changed["tasks"][number]["__var"][key] = "something else"
            assert unlike(dag, changed), key
