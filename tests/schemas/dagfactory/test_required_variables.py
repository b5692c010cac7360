"""An unset variable of a dag-factory document is an error where variables are required and text cannot stand."""

from __future__ import annotations

from pathlib import Path

from schemas.check import CheckOptions, check_file
from schemas.findings.codes import Severity

TEXT = """\
orders:
  catchup: $CATCH_UP
  tasks:
    load:
      operator: airflow.providers.standard.operators.bash.BashOperator
      bash_command: echo $HERE
"""


def test_only_what_cannot_be_text_is_required(tmp_path: Path) -> None:
    (tmp_path / "orders.yml").write_text(TEXT)

    for require, severity in ((False, Severity.WARNING), (True, Severity.ERROR)):
        options = CheckOptions(environ={}, require_environment=require, read_sources=False)
        result = check_file(tmp_path, "orders.yml", options)
        assert [(d.code.id, d.span.line, d.severity) for d in result.diagnostics] == [("PF318", 2, severity)]
