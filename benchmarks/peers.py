"""Other linters, in a virtual environment of their own below `build/`: they are measured against, not needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.airflow_home import CHECKOUT

PINNED = ("check-jsonschema==0.37.4", "yamllint==1.38.0")
FOLDER = CHECKOUT / "build" / "peers"


def peer(name: str) -> Path:
    """The command of one of them; what is missing is installed. Raises subprocess.CalledProcessError."""
    command = FOLDER / "bin" / name
    if not command.exists():
        subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], check=True)  # noqa: S603 # our own interpreter
        pip = [str(FOLDER / "bin" / "python"), "-m", "pip", "install", "--quiet", *PINNED]
        subprocess.run(pip, check=True)  # noqa: S603 # the names above
    return command
