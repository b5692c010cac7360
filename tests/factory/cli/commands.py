"""Runs `factory` as a user does, in a process of its own: a fork of one that has imported other people's packages."""

from __future__ import annotations

import atexit
import functools
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from types import MappingProxyType

GOOD = "schedule: '@daily'\ntasks:\n  - {id: a, uses: empty}\n"
BAD = "schedul: '@daily'\ntasks:\n  - {id: a, uses: empty}\n"

NOT_INHERITED = ("PIPELINES_FOLDER", "NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS", "GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    """What Python reads when it starts."""
    return {name: value for name, value in environment.items() if name.startswith(("PYTHON", "LC_", "LANG", "LD_"))}


_OURS: Mapping[str, str] = MappingProxyType(_read_at_start(os.environ))


class Warm:
    """The process of `warm.py`, for as long as this one lives; one command at a time."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = Path(__file__).with_name("warm.py")
        self._process = subprocess.Popen([sys.executable, program], stdin=theirs, start_new_session=True)
        theirs.close()
        self._socket.settimeout(180)
        atexit.register(self._end)

    def _end(self) -> None:
        self._socket.close()
        self._process.wait()

    def run(
        self, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], standard_input: str | None
    ) -> subprocess.CompletedProcess[str]:
        request = {"arguments": arguments, "cwd": str(cwd), "environment": dict(environment)}
        with TemporaryFile("w+") as given, TemporaryFile("w+") as output, TemporaryFile("w+") as errors:
            given.write(standard_input or "")
            given.seek(0)
            descriptors = [file.fileno() for file in (given, output, errors)]
            socket.send_fds(self._socket, [json.dumps(request).encode()], descriptors)
            try:
                status = int(self._socket.recv(100))
            except TimeoutError:
                os.killpg(self._process.pid, signal.SIGKILL)
                warm.cache_clear()
                raise
            output.seek(0)
            errors.seek(0)
            return subprocess.CompletedProcess(["factory", *arguments], status, output.read(), errors.read())


warm = functools.cache(Warm)


def factory(
    *arguments: str, cwd: Path, environment: Mapping[str, str] | None = None, standard_input: str | None = None
) -> subprocess.CompletedProcess[str]:
    """The finished command; what the shell or the CI job that runs the tests says of form is left out."""
    whole = {k: v for k, v in os.environ.items() if k not in NOT_INHERITED} | dict(environment or {})
    if _read_at_start(whole) == _OURS:
        return warm().run(arguments, cwd, whole, standard_input)
    return subprocess.run(
        [sys.executable, "-m", "factory.cli", *arguments],
        cwd=cwd,
        env=whole,
        input=standard_input,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
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
