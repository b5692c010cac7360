"""Which versions Airflow's own tables name: a real metadata database, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import json, os, time
from datetime import timedelta
from airflow import settings
from airflow._shared.timezones import timezone
from airflow.models.base import Base
from airflow.models import import_all_models
from airflow.models.dag import DagModel
from airflow.models.dag_version import DagVersion
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunType
from factory.bundle.registry import named_versions

import_all_models()
Base.metadata.create_all(settings.engine)
now = timezone.utcnow()

with create_session() as session:
    for name in ("pipelines", "other"):
        session.add(DagBundleModel(name=name))
    session.flush()
    for dag_id, bundle, version in (("d1", "pipelines", "of-dag"), ("d2", "other", "of-other")):
        session.add(DagModel(dag_id=dag_id, bundle_name=bundle, bundle_version=version))
    session.flush()
    made = {}
    for number, version in enumerate(["of-old-run", "of-recent-run", "of-running-run", "unused", "latest"], 1):
        made[version] = DagVersion(
            dag_id="d1", version_number=number, bundle_name="pipelines", bundle_version=version)
        session.add(made[version])
    session.flush()
    for version, state, ended in (
        ("of-old-run", DagRunState.SUCCESS, now - timedelta(days=40)),
        ("of-recent-run", DagRunState.FAILED, now - timedelta(days=2)),
        ("of-running-run", DagRunState.RUNNING, None),
    ):
        run = DagRun(dag_id="d1", run_id=version, run_type=DagRunType.MANUAL, state=state, run_after=now,
            bundle_version="pinned-" + version)
        run.end_date = ended
        run.created_dag_version_id = made[version].id
        session.add(run)
print(json.dumps(sorted(named_versions("pipelines", now - timedelta(days=30)))))
"""


def test_dags_unfinished_and_recent_runs_name_versions(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    out = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=False)
    assert out.returncode == 0, out.stderr
    assert json.loads(out.stdout.splitlines()[-1]) == [
        "latest",
        "of-dag",
        "of-recent-run",
        "of-running-run",
        "pinned-of-recent-run",
        "pinned-of-running-run",
    ]
