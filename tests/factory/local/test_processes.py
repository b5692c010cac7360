"""Whatever is killed, nothing that a run started stays behind: a real tree of processes, orphans included."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from factory.local.processes import descendants

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux only")

PROGRAM = """
import os, subprocess, sys, time
from factory.local.processes import end_descendants, reap
from factory.local.supervisor import StopRequest
from factory.local.processes import guard

def work():
    stop = StopRequest()
    stop.listen()
    # One child, one grandchild in a session of its own that ignores SIGTERM, one orphan.
    subprocess.Popen(["sh", "-c", "sleep 301 & wait"])
    subprocess.Popen(["setsid", "sh", "-c", "trap '' TERM; while true; do sleep 0.2; done"])
    subprocess.run(["sh", "-c", "setsid sleep 302 & :"])
    time.sleep(0.5)
    print("started", os.getpid(), flush=True)
    while not stop:
        time.sleep(0.05)
        reap()
    print("stopping", flush=True)
    end_descendants(0.5)
    return 7

sys.exit(guard(work))
"""


@pytest.fixture
def tree() -> Iterator[tuple[subprocess.Popen[str], int, list[int]]]:
    """The warden, the worker's process id, and everything below the warden."""
    warden = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        text=True,
        # Tests that run in the background of a script inherit an ignored SIGINT, which would stay ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 # no threads here
    )
    assert warden.stdout
    word, worker = warden.stdout.readline().split()
    assert word == "started"
    everything = descendants(warden.pid)
    assert len(everything) >= 5
    try:
        yield warden, int(worker), everything
    finally:
        for pid in [warden.pid, *everything]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        warden.wait()


def wait_until_gone(pids: list[int], seconds: float) -> list[int]:
    """Those that are still there after `seconds`."""
    deadline = time.monotonic() + seconds
    while (left := [pid for pid in pids if alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_with_the_workers_status(
    tree: tuple[subprocess.Popen[str], int, list[int]], number: signal.Signals
) -> None:
    warden, _, everything = tree
    warden.send_signal(number)
    assert warden.wait(120) == 7
    assert warden.stdout
    assert warden.stdout.read() == "stopping\n"
    assert wait_until_gone(everything, 0) == []


def test_a_killed_worker_leaves_nothing(tree: tuple[subprocess.Popen[str], int, list[int]]) -> None:
    warden, worker, everything = tree
    os.kill(worker, signal.SIGKILL)
    assert warden.wait(120) == 128 + signal.SIGKILL
    assert wait_until_gone(everything, 0) == []


def test_a_killed_warden_leaves_nothing(tree: tuple[subprocess.Popen[str], int, list[int]]) -> None:
    warden, _, everything = tree
    warden.kill()
    assert wait_until_gone(everything, 10) == []
