"""Numbers of `vars` and `matrix` inside longer texts: they keep the spelling of the file."""

from __future__ import annotations

from pathlib import Path

from schemas.check import check_text

TEXT = """
dag_id: release-${matrix.version}
matrix: {version: [1.9, 1.10]}
vars: {tag: 1.10, month: 09, zip: 01234, number: 7, power: 1e3, negative: -0.50, copy: "${vars.tag}", yes: true}
tasks:
  - id: load
    uses: bash
    with:
      bash_command: >-
        ${vars.tag} ${vars.month} ${vars.zip} ${vars.number} ${vars.power} ${vars.negative} ${vars.copy} ${vars.yes}
"""


def test_numbers_keep_their_spelling(tmp_path: Path) -> None:
    result = check_text(TEXT, "release.yaml", tmp_path)

    assert [pipeline.dag_id for pipeline in result.pipelines] == ["release-1.9", "release-1.10"]
    (task,) = result.pipelines[0].model.tasks
    assert task.model_dump()["with_"]["bash_command"] == "1.10 09 01234 7 1e3 -0.50 1.10 true"
