"""The operators behind the built-in tasks that Airflow has none for.

dag-factory reports every run to its makers unless it is told not to; `turn_off_telemetry` tells it.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType

_OPTION = "AIRFLOW__DAG_FACTORY__ENABLE_TELEMETRY"
_PLUGIN = "dagfactory.plugin"


def turn_off_telemetry() -> None:
    """Keep dag-factory of this process and of those that it starts from reporting, where nobody has asked for it."""
    if _OPTION in os.environ:
        return
    os.environ[_OPTION] = "False"
    settings = sys.modules.get("dagfactory.settings")
    if settings is not None:  # Airflow has loaded dag-factory's plugin first
        settings.enable_telemetry = False  # type: ignore[attr-defined] # a module of dag-factory


def leave_out_telemetry() -> None:
    """Where tasks run without an Airflow: turn it off, and spare a third of a second for a plug-in that only reports.

    Airflow loads it by the entry point `dagfactory.plugin`, which is found here, without a plug-in in it.
    """
    turn_off_telemetry()
    sys.modules.setdefault(_PLUGIN, ModuleType(_PLUGIN)).__dict__.setdefault("DagFactoryPlugin", None)
