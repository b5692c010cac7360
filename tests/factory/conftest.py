"""Airflow's home below a folder of its own: Airflow reads it when it is imported, which is before any fixture."""

from __future__ import annotations

import os
import tempfile

os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-home-"))
