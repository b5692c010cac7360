"""How the tests are spread over processes: a file's go to one, and all that start a whole Airflow go to the same."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

WHOLE_AIRFLOW = "tests/e2e/"


class _ByFile(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        # Two of them at once would time each other out on two cores.
        return WHOLE_AIRFLOW if nodeid.startswith(WHOLE_AIRFLOW) else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return _ByFile(config, log)
