"""Rows that travel between tasks as files, and the built-in data tasks.

The way in for files: `factory.data.row_files`.

`imported` is for the packages behind the data tasks, each an extra of this project, imported in the task that needs it.
"""

from __future__ import annotations

import importlib
from typing import Any

DISTRIBUTION = "airflow-pipeline-factory"


def imported(module: str, *, task: str, extra: str) -> Any:
    """The module `module`, which the built-in `task` needs.

    Raises AirflowFailException, which names the extra, where its package is not installed: trying again cannot help.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        from airflow.sdk.exceptions import AirflowFailException  # noqa: PLC0415 # few tasks end so

        raise AirflowFailException(
            f"`{task}` needs the extra `{extra}`, which is not installed where this task runs: "
            f"pip install '{DISTRIBUTION}[{extra}]'"
        ) from None
