"""A bundle over real folders; Airflow's storage below the test's own folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.dag_processing.bundles import base

from .bundles import Bench


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    storage = tmp_path / "storage"
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(storage))
    monkeypatch.setattr(base, "STALE_BUNDLE_TRACKING_FOLDER", storage / "_tracking")
    monkeypatch.delenv("_AIRFLOW_PROCESS_CONTEXT", raising=False)
    folder = tmp_path / "pipelines"
    folder.mkdir()
    return Bench(folder, storage)
