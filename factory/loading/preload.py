"""Importing, before processes fork, what every fork would otherwise import again.

The dag-processor forks for each file it parses, and whatever runs tasks forks for each task. `airflow.sdk`
alone costs seconds of CPU.
"""

from __future__ import annotations

import importlib
import sys

MODULES = (
    "airflow.sdk",
    "airflow.providers.standard.operators.bash",
    "airflow.providers.standard.operators.empty",
    "airflow.providers.standard.operators.python",
    # What serializing any DAG imports (`DependencyDetector`), and the timetable of a cron schedule.
    "airflow.providers.standard.operators.trigger_dagrun",
    "airflow.providers.standard.sensors.external_task",
    "airflow.timetables.trigger",
    "tzdata",
    # What running a task imports: its templates, and a Python function's outlets.
    "jinja2.ext",
    "airflow.sdk.definitions.asset.metadata",
    "factory.bundle.pipeline_bundle",
    # Of dag-factory itself Airflow has loaded all with its plugin.
    "factory.build.dagfactory",
    "schemas.dagfactory.language",
    "factory.operators.bash",
    "factory.operators.http",
    "factory.stub_loader",
)

WARM_UP = """\
schedule: "0 3 * * *"
start_date: 2026-01-01
timezone: Europe/London
tasks:
  - {id: first, uses: bash, with: {bash_command: "true"}}
  - {id: second, uses: bash, needs: [first], with: {bash_command: "true"}}
"""
"""Checked once, so that what the first check of a process computes (the list of time zones, patterns) is there."""

FORKING_COMMANDS = frozenset({"celery", "dag-processor", "edge", "scheduler"})
"""`airflow …` commands that fork to parse files or to run tasks. In the api-server, the triggerer and the
command line the imports would be wasted; a process that runs one task (Kubernetes) has nothing to share."""


def preload() -> None:
    """Import the modules. :raises ImportError: the installation is broken, and no pipeline could be built."""
    for module in MODULES:
        importlib.import_module(module)
    from schemas.check import check_text  # noqa: PLC0415 - other processes that import this module do without
    from schemas.model.built_ins import BUILT_INS, built_in  # noqa: PLC0415
    from schemas.model.task import CodeTask, TaskGroup  # noqa: PLC0415

    check_text(WARM_UP)
    # Pydantic makes each validator when the first task is checked by it, which takes a tenth of a second.
    CodeTask.model_rebuild()
    TaskGroup.model_rebuild()
    for name in BUILT_INS:
        built_in(name).model_rebuild()


def preload_before_fork() -> None:
    """`preload` in processes that fork. :raises ImportError: see `preload`."""
    if len(sys.argv) > 1 and sys.argv[1] in FORKING_COMMANDS:
        preload()
