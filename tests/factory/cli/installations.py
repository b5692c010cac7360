"""What `factory doctor` is asked about: an Airflow with bundles, whose settings are the recommended ones."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from .commands import GOOD, factory

CLASS = "factory.bundle.PipelineBundle"
GIT = "airflow.providers.git.bundles.git.GitDagBundle"
GOOD_SETTINGS = {
    "AIRFLOW__CORE__LAZY_LOAD_PLUGINS": "False",
    "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "1",
    "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
    "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
    "AIRFLOW__DAG_PROCESSOR__FILE_PARSING_SORT_MODE": "modified_time",
    "AIRFLOW__DAG_PROCESSOR__STALE_BUNDLE_CLEANUP_INTERVAL": "0",
}


def environment_of(tmp_path: Path, bundles: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Of bundles by name, with their arguments."""
    (tmp_path / "pipelines").mkdir(exist_ok=True)
    (tmp_path / "pipelines" / "orders.yaml").write_text(GOOD)
    entries = [{"name": name, "classpath": CLASS, "kwargs": kwargs} for name, kwargs in bundles.items()]
    return {
        **GOOD_SETTINGS,
        "AIRFLOW_HOME": str(tmp_path / "home"),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(tmp_path / "storage"),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(entries),
    }


def doctor_of(tmp_path: Path, bundles: dict[str, dict[str, Any]], **more: str) -> tuple[int, list[str]]:
    done = factory("doctor", cwd=tmp_path, environment={**environment_of(tmp_path, bundles), **more})
    assert "Traceback" not in done.stderr, done.stderr
    assert all(re.match(r"(ok|warning|error) ", line) for line in done.stdout.splitlines()), done.stdout
    return done.returncode, done.stdout.splitlines()


def doctor(tmp_path: Path, kwargs: dict[str, Any] | None = None, **more: str) -> tuple[int, list[str]]:
    return doctor_of(tmp_path, {"p": {"folder": "pipelines", **(kwargs or {})}}, **more)


def wrong(lines: list[str]) -> list[str]:
    return [line for line in lines if not line.startswith("ok ")]
