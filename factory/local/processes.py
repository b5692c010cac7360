"""The process tree of a local run: a parent that only waits, and how everything below a process is ended.

The worker is a forked child in a session of its own, so a terminal's Ctrl-C reaches it once, through `guard`.
When the worker is killed, its orphans come to its parent, which ends them; when the parent is killed, the
kernel tells the worker to stop. Both need Linux; elsewhere a killed worker or parent leaves orphans.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable

import psutil

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
"""Both from prctl(2)."""

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 3.0
POLL_SECONDS = 0.1

# Loaded here: nothing may be loaded between a fork and an exec while other threads run.
LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def adopt_orphans() -> None:
    """Make this process the new parent of every orphan below it. Linux only: elsewhere init gets them."""
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
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            ended[found[0]] = os.waitstatus_to_exitcode(found[1])
    return ended


def children(root: int) -> list[int]:
    """The living processes that `root` is the parent of."""
    return _below(root, recursive=False)


def descendants(root: int) -> list[int]:
    """Every living process below `root`, parents first."""
    return _below(root, recursive=True)


def _below(root: int, *, recursive: bool) -> list[int]:
    found: list[int] = []
    # Any of them may end between two looks.
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in psutil.Process(root).children(recursive=recursive):
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process.pid)
    return found


def group_leaders(root: int) -> list[int]:
    """Those below `root` that lead a process group: Airflow's task processes, and what they started the same way.

    The processes between, which report how a task ended, are left alone.
    """
    leaders: list[int] = []
    for pid in descendants(root):
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(pid) == pid:
                leaders.append(pid)
    return leaders


def send(signal_number: int, pids: Iterable[int]) -> None:
    """Signal those that still exist."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal_number)


def end_descendants(grace: float) -> None:
    """End everything below this process: SIGTERM, and after `grace` seconds SIGKILL."""
    deadline = time.monotonic() + grace
    send(signal.SIGTERM, descendants(os.getpid()))
    reap()
    while left := descendants(os.getpid()):
        # A process that starts others while it is being killed needs another round.
        if time.monotonic() >= deadline:
            send(signal.SIGKILL, left)
        time.sleep(POLL_SECONDS)
        reap()


def guard(work: Callable[[], int]) -> int:
    """Run `work` in a child process; return its exit status when nothing it started is left.

    Raises OSError when the system cannot start another process.
    """
    adopt_orphans()
    parent = os.getpid()
    # Blocked during the fork: a signal that comes then is delivered when both know what to do with it.
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
    worker = os.fork()
    if worker == 0:
        _become_worker(parent, work)
    for number in FORWARDED:
        # Ignored by whoever started us (nohup): then it stays so.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda received, _: send(received, [worker]))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    pid = 0
    while pid != worker:  # orphans are collected on the way
        pid, status = os.waitpid(-1, 0)
    end_descendants(GRACE_SECONDS)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _become_worker(parent: int, work: Callable[[], int]) -> None:
    """Runs in the child; never returns."""
    status = 1
    try:
        os.setsid()
        adopt_orphans()
        end_with_parent(signal.SIGTERM)
        if os.getppid() == parent:
            status = work()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        # The child of a fork must never run its parent's code: it reports and ends.
        sys.excepthook(*sys.exc_info())
    finally:
        # The reader of the output may be gone.
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)
