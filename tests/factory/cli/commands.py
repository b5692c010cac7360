"""Runs `factory` as a user does, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

GOOD = "schedule: '@daily'\ntasks:\n  - {id: a, uses: empty}\n"
BAD = "schedul: '@daily'\ntasks:\n  - {id: a, uses: empty}\n"

NOT_INHERITED = ("PIPELINES_FOLDER", "NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS", "GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def factory(
    *arguments: str, cwd: Path, environment: Mapping[str, str] | None = None, standard_input: str | None = None
) -> subprocess.CompletedProcess[str]:
    """The finished command; what the shell or the CI job that runs the tests says of form is left out."""
    inherited = {k: v for k, v in os.environ.items() if k not in NOT_INHERITED}
    return subprocess.run(
        [sys.executable, "-m", "factory.cli", *arguments],
        cwd=cwd,
        env={**inherited, **(environment or {})},
        input=standard_input,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
