"""The processes below a process, and how to end all of them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
"""Both from prctl(2)."""

POLL_SECONDS = 0.1

# Loaded here: between a fork and an exec, with other threads about, nothing may be loaded.
LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def adopt_orphans() -> None:
    """Make this process the new parent of every orphan below it, so that none can leave its tree.

    Linux only. Elsewhere an orphan goes to the init process, and only its process group can be signalled.
    """
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent(signal_number: signal.Signals) -> None:
    """Have the kernel send this process a signal when the thread that forked it ends. Linux only."""
    _prctl(PR_SET_PDEATHSIG, signal_number)


def _prctl(option: int, value: int) -> None:
    if LIBC is not None:
        LIBC.prctl(option, value, 0, 0, 0)


def reap() -> dict[int, int]:
    """Collect every child that has ended: process id → exit status, negative for a signal."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = os.waitstatus_to_exitcode(status)


def children(root: int) -> list[int]:
    """The living processes that `root` is the parent of."""
    return [pid for pid, parent in _parents() if parent == root]


def descendants(root: int) -> list[int]:
    """Every living process below `root`, parents first."""
    of_parent: dict[int, list[int]] = defaultdict(list)
    for pid, parent in _parents():
        of_parent[parent].append(pid)
    found: list[int] = []
    queue = [root]
    while queue:
        below = of_parent[queue.pop(0)]
        found += below
        queue += below
    return found


def group_leaders(root: int) -> list[int]:
    """Those below `root` that lead a process group: Airflow's task processes, and what they started so.

    The processes between, which report how a task ended, are left alone.
    """
    leaders: list[int] = []
    for pid in descendants(root):
        # It may have ended by itself since it was listed.
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(pid) == pid:
                leaders.append(pid)
    return leaders


def _parents() -> list[tuple[int, int]]:
    if not Path("/proc/self/stat").exists():
        command = ["/bin/ps", "-A", "-o", "pid=,ppid="]
        listing = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  fixed command
        return [(int(pid), int(parent)) for pid, parent in map(str.split, listing.stdout.splitlines())]
    pairs: list[tuple[int, int]] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            # A process may end between the listing and the reading.
            with contextlib.suppress(OSError):
                # The name in parentheses may itself hold spaces and parentheses.
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    pairs.append((int(entry.name), int(parent)))
    return pairs


def send(signal_number: signal.Signals, pids: list[int]) -> None:
    for pid in pids:
        # It may have ended by itself since it was listed.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal_number)


def end_descendants(grace: float) -> None:
    """End everything below this process: SIGTERM, and after `grace` seconds SIGKILL."""
    me = os.getpid()
    deadline = time.monotonic() + grace
    send(signal.SIGTERM, descendants(me))
    while (left := _left(me)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    # A process that starts others while it is being killed needs another round.
    while left:
        send(signal.SIGKILL, left)
        time.sleep(POLL_SECONDS)
        left = _left(me)


def _left(root: int) -> list[int]:
    reap()
    return descendants(root)
