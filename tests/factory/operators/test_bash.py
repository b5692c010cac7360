"""The shell command of a task reads nothing, though the task's own standard input is Airflow's socket."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

PROGRAM = """
from factory.operators.bash import BashOperator
print("result", BashOperator(task_id="a", bash_command='cat; echo "$SHELL_RC end"', env={}).execute({}))
"""


def test_a_command_that_reads_ends_and_runs_no_bashrc(tmp_path: Path) -> None:
    (tmp_path / ".bashrc").write_text("export SHELL_RC=sourced\n")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        result = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            env={"HOME": str(tmp_path), "AIRFLOW_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        )
    assert "result  end" in result.stdout, result.stderr
