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
    "factory.bundle",
    "factory.stub_loader",
)

FORKING_COMMANDS = frozenset({"celery", "dag-processor", "edge", "scheduler"})
"""`airflow …` commands that fork to parse files or to run tasks. In the api-server, the triggerer and the
command line the imports would be wasted; a process that runs one task (Kubernetes) has nothing to share."""


def preload() -> None:
    """Import the modules. :raises ImportError: the installation is broken, and no pipeline could be built."""
    for module in MODULES:
        importlib.import_module(module)


def preload_before_fork() -> None:
    """`preload` in processes that fork. :raises ImportError: see `preload`."""
    if len(sys.argv) > 1 and sys.argv[1] in FORKING_COMMANDS:
        preload()
