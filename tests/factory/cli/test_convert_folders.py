"""`factory convert` of a folder: each file that is left out is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factory.cli.commands import factory
from tests.factory.cli.test_convert import AIRFLOW, TWO, project


@pytest.mark.parametrize("to", ["python", "airflow-3.4"])
def test_a_folder_leaves_nothing_out_without_a_word(tmp_path: Path, to: str) -> None:
    root = project(tmp_path, TWO)
    (root / "pipelines" / "new.yaml").write_text(AIRFLOW)
    (root / "pipelines" / "ours.yaml").write_text("tasks:\n  - {id: a, uses: empty}\n")

    done = factory("convert", "--to", to, "pipelines", "--output", "out", cwd=root)

    why = "this is not a pipeline of this project's format: convert it to one first, without --to"
    assert [f"factory convert: pipelines/{name}: {why}" for name in ("new.yaml", "shop.yml")] == sorted(
        line for line in done.stderr.splitlines() if line.startswith("factory convert:")
    )
    assert (done.returncode, len(list((root / "out").iterdir()))) == (1, 1)


def test_a_file_that_is_converted_by_hand_is_named_in_a_folder(tmp_path: Path) -> None:
    root = project(tmp_path, TWO)
    (root / "pipelines" / "gusty.yml").write_text("operator: airflow.operators.bash.BashOperator\nbash_command: ls\n")

    done = factory("convert", "pipelines", "--output", "out", cwd=root)

    assert done.returncode == 1
    assert "pipelines/gusty.yml: " in done.stderr
    assert "it is converted by hand, and docs/migrating.md shows how" in done.stderr
