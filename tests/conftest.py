"""How the tests are spread over processes, and what chance decides in them.

A file's tests go to one process, and all that start a whole Airflow go to the same. Each run draws the same
examples, so that a change is judged by what it does; HYPOTHESIS_PROFILE=explore draws new ones.
"""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

settings.register_profile("repeatable", derandomize=True)
settings.register_profile("explore")
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

# A shell's `nohup … &` ignores these, and all that the tests start would inherit that.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)

# Each of the processes that the tests start would compile all of the code again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

WHOLE_AIRFLOW = "tests/e2e/"


class _ByFile(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        # Two of them at once would time each other out on two cores.
        return WHOLE_AIRFLOW if nodeid.startswith(WHOLE_AIRFLOW) else str(super()._split_scope(nodeid))

    def _assign_work_unit(self, node: Any) -> None:
        # First of all: they wait most of their time, in which the other processes have both cores.
        if WHOLE_AIRFLOW in self.workqueue:
            self.workqueue.move_to_end(WHOLE_AIRFLOW, last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return _ByFile(config, log)
