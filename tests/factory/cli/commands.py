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


LOOK = """
import sys
def look(event, arguments):
    if event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        with open({file!r}, "a") as file:
            print(arguments[1][0], file=file)
sys.addaudithook(look)
"""


def looked_at(folder: Path) -> dict[str, str]:
    """Environment variables with which a command, and every Python that it starts, lists what it connects to."""
    place = folder.parent / f"{folder.name}-look"
    place.mkdir(exist_ok=True)
    (place / "connected").write_text("")
    (place / "sitecustomize.py").write_text(LOOK.format(file=str(place / "connected")))
    return {"PYTHONPATH": str(place)}


def connected(folder: Path) -> set[str]:
    """The addresses that it connected to, or wanted to."""
    return set((folder.parent / f"{folder.name}-look" / "connected").read_text().split())
