"""Runs `factory` as a user does, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

GOOD = "schedule: '@daily'\ntasks:\n  - {id: a, uses: empty}\n"
BAD = "schedul: '@daily'\ntasks:\n  - {id: a, uses: empty}\n"


def factory(
    *arguments: str, cwd: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The finished command; PIPELINES_FOLDER and colours of the shell that runs the tests are left out."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("PIPELINES_FOLDER", "NO_COLOR", "FORCE_COLOR")}
    return subprocess.run(
        [sys.executable, "-m", "factory.cli", *arguments],
        cwd=cwd,
        env={**inherited, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
