"""Runs one command of the set-up and shows how long it takes."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

LOG = "set-up.log"
"""Below the virtual environment: the output of the last command."""


class SetUpError(Exception):
    """Set-up cannot go on; the text says why and what to do, for a person."""


class KilledError(SetUpError):
    """A command was killed in the middle of its work."""


def run_phase(title: str, command: list[str], root: Path, venv: Path) -> tuple[int, str]:
    """Run `command`, showing how long it takes. Returns its exit status and its output."""
    begin = time.monotonic()
    lines: list[str] = []
    process = subprocess.Popen(  # noqa: S603  fixed commands, no shell
        command,
        cwd=root,
        env=pip_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    reader = threading.Thread(target=lambda: lines.extend(process.stdout or ()), daemon=True)
    try:
        reader.start()
        watch(reader, lambda: show(title, lines, begin))
        status = process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    output = "".join(lines)
    if venv.is_dir():
        (venv / LOG).write_text(output, encoding="utf-8")
    clear = "\r\033[K" if sys.stdout.isatty() else ""
    print(f"{clear}  {title:<32} {time.monotonic() - begin:6.1f} s{' failed' if status else ''}", flush=True)
    if status < 0:
        raise KilledError(
            f"{title}: killed by signal {-status}; was there too little memory? Run the same command again."
        )
    return status, output


def watch(reader: threading.Thread, show_progress: Callable[[], None]) -> None:
    while reader.is_alive():
        reader.join(0.5)
        if sys.stdout.isatty():
            show_progress()


def show(title: str, lines: list[str], begin: float) -> None:
    collected = sum(line.lstrip().startswith("Collecting ") for line in lines)
    step = f"{collected} packages" if collected else ""
    if any(line.startswith("Installing collected packages") for line in lines):
        step = f"installing {collected} packages"
    print(f"\r\033[K  {title:<32} {time.monotonic() - begin:6.0f} s  {step}", end="", flush=True)


def pip_environment() -> dict[str, str]:
    """The user's environment, pip settings included, without what would install anywhere but in the venv."""
    dropped = {"PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "PIP_USER": "0", "PYTHONUNBUFFERED": "1"}
