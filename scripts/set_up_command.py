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


LOG_SECONDS = 20.0


class SetUpError(Exception):
    """Set-up cannot go on; the text says why and what to do, for a person."""


class KilledError(SetUpError):
    """A command was killed in the middle of its work."""


def run_phase(title: str, command: list[str], root: Path, venv: Path, expected: int = 0) -> tuple[int, str]:
    """Run `command`, showing how long it takes. Returns its exit status and its output. `expected`: see `show`."""
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
        watch(reader, lambda: show(title, lines, begin, expected, venv))
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
    """On a terminal the line changes; elsewhere, such as a build's log, there is a new one now and then."""
    pause = 0.5 if sys.stdout.isatty() else LOG_SECONDS
    while reader.is_alive():
        reader.join(pause)
        if reader.is_alive():
            show_progress()


def show(title: str, lines: list[str], begin: float, expected: int, venv: Path) -> None:
    """`expected`: how many packages there are about; 0 where nobody knows."""
    # pip is silent while it installs, so the folders that it makes are counted. A wheel from a folder is "processed".
    found = sum(line.lstrip().startswith(("Collecting ", "Processing ")) for line in lines)
    of = f" of about {expected}" if expected >= found else ""
    step = f"found {found}{of} packages" if found else ""
    if any(line.startswith("Installing collected packages") for line in lines):
        step = f"installed {len(list(venv.glob('lib/python*/site-packages/*.dist-info')))}{of} packages"
    start, end = ("\r\033[K", "") if sys.stdout.isatty() else ("", "\n")
    print(f"{start}  {title:<32} {time.monotonic() - begin:6.0f} s  {step}", end=end, flush=True)


def pip_environment() -> dict[str, str]:
    """The user's environment, pip settings included, without what would install anywhere but in the venv."""
    dropped = {"PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "PIP_USER": "0", "PYTHONUNBUFFERED": "1"}
