"""How the tests are spread over processes, and what chance decides in them.

A file's tests go to one process, and all that start a whole Airflow go to the same. The longest are started first: what
begins last is short, so that all processes end at about the same time. Each run draws the same
examples, so that a change is judged by what it does; HYPOTHESIS_PROFILE=explore draws new ones.
"""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

# Hypothesis has limits of time, and on a busy machine a sound test would break them.
NO_TIMES = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeatable", NO_TIMES, derandomize=True)
settings.register_profile("explore", NO_TIMES)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

# A shell's `nohup … &` ignores these, and all that the tests start would inherit that.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)

# Each of the processes that the tests start would compile all of the code again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

WHOLE_AIRFLOW = "tests/e2e/"
FIRST = (
    # They wait most of their time, in which the other processes have both cores.
    WHOLE_AIRFLOW,
    *(
        "tests/factory/http/test_poll_state.py",
        "tests/factory/http/test_poll_kills.py",
        "tests/factory/trial/test_try.py",
    ),
    *("tests/factory/http/test_poller_examples_run.py", "tests/test_bootstrap.py", "tests/factory/cli/test_new.py"),
    *("tests/factory/dagfactory/test_side_by_side.py", "tests/factory/trial/test_pipeline_tests.py"),
    *(
        "tests/factory/http/test_poll_cases.py",
        "tests/factory/loading/test_parsing.py",
        "tests/schemas/check/test_fuzz.py",
    ),
    *("tests/factory/trial/test_updates.py", "tests/factory/trial/test_trials.py", "tests/factory/test_recipes_run.py"),
    *("tests/factory/cli/test_convert_python.py", "tests/factory/cli/test_doctor", "tests/equivalence/"),
)
"""What takes longest, as paths begin. xdist would start what has most tests first, and these have few."""


class _LongestFirst(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        # Two of them at once would time each other out on two cores.
        return WHOLE_AIRFLOW if nodeid.startswith(WHOLE_AIRFLOW) else str(super()._split_scope(nodeid))

    def _assign_work_unit(self, node: Any) -> None:
        found = next((scope for start in FIRST for scope in self.workqueue if scope.startswith(start)), None)
        if found is not None:
            self.workqueue.move_to_end(found, last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return _LongestFirst(config, log)
