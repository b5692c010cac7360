"""A parent that only waits: whatever happens to the process that works, nothing below it stays behind.

The worker is a forked child in a session of its own, so a terminal's Ctrl-C reaches it once, through here.
Where the worker is killed, its orphans come to the warden, which ends them; where the warden is killed, the
kernel tells the worker to stop. Both need Linux; elsewhere only a killed worker or warden leaves orphans.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable

from factory.local.process_tree import adopt_orphans, end_descendants, end_with_parent

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 3.0


def guard(work: Callable[[], int]) -> int:
    """Run `work` in a child process and return its exit status when nothing it started is left.

    Raises OSError where the system cannot start another process.
    """
    adopt_orphans()
    warden = os.getpid()
    # Blocked over the fork: a signal that comes then is delivered to both when both know what to do with it.
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
    worker = os.fork()
    if worker == 0:
        _become_worker(warden, work)
    for number in FORWARDED:
        # Ignored by whoever started us (nohup): then it stays so.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda received, _: _forward(worker, received))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    status = _wait(worker)
    end_descendants(GRACE_SECONDS)
    return status


def _become_worker(warden: int, work: Callable[[], int]) -> None:
    """Runs in the child; never returns."""
    status = 1
    try:
        os.setsid()
        adopt_orphans()
        end_with_parent(signal.SIGTERM)
        if os.getppid() == warden:
            status = work()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        # The child of a fork must never go on in its parent's code: it reports and ends.
        sys.excepthook(*sys.exc_info())
    finally:
        # The reader of the output may be gone.
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(status)


def _forward(worker: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(worker, number)


def _wait(worker: int) -> int:
    """Collect children, orphans among them, until the worker has ended. Returns its exit status."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == worker:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
