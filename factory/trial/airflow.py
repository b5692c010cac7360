"""An Airflow for one process: with a home of its own, so that nothing of an installation is read or changed."""

from __future__ import annotations

import os

from factory.dagfactory.telemetry import leave_out


def prepare(home: str, log_level: str) -> None:
    """Before Airflow is imported. `home` need not exist."""
    os.environ["AIRFLOW_HOME"] = home
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = log_level
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = "sqlite://"
    leave_out()
