"""dag-factory reports every run to its makers unless it is told not to; here it is told."""

from __future__ import annotations

import os
import sys

_OPTION = "AIRFLOW__DAG_FACTORY__ENABLE_TELEMETRY"


def turn_off() -> None:
    """Keep dag-factory of this process and of those that it starts from reporting, where nobody has asked for it."""
    if _OPTION in os.environ:
        return
    os.environ[_OPTION] = "False"
    settings = sys.modules.get("dagfactory.settings")
    if settings is not None:  # Airflow has loaded dag-factory's plugin first
        settings.enable_telemetry = False  # type: ignore[attr-defined] # a module of dag-factory
