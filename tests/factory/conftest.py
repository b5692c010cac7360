"""Airflow's home below a folder of its own: Airflow reads it when it is imported, which is before any fixture."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-home-"))


@pytest.fixture(autouse=True)
def _forget_modules_of_test_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The next test may have another module of the same name."""
    known = set(sys.modules)
    yield
    for name in set(sys.modules) - known:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(tmp_path_factory.getbasetemp()):
            del sys.modules[name]
