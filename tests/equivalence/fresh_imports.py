"""Imports Python modules, each in a process of its own, which has loaded Airflow and nothing of the modules' user.

    python fresh_imports.py ANSWER < MODULES

The JSON list MODULES has `[name, file, folder of the user's modules, environment]` of each; the JSON file ANSWER gets
the error of each that fails, by its name.
"""

from __future__ import annotations

import json
import logging
import os
import runpy
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path

import airflow.providers.standard.operators.bash
import airflow.providers.standard.operators.python
import airflow.sdk  # noqa: F401 # once for all of the processes


def main(answer: str) -> None:
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    modules = json.load(sys.stdin)
    failed = {name: error for name, *rest in modules if (error := imported(*rest))}
    Path(answer).write_text(json.dumps(failed))


def imported(file: str, folder: str, environ: Mapping[str, str]) -> str:
    """The error that importing a file raises."""
    reading, writing = os.pipe()
    if not os.fork():
        os.close(reading)
        error = ""
        try:
            sys.path.append(folder)
            os.environ.update(environ)
            runpy.run_path(file)
        except BaseException as raised:  # anybody's code
            error = f"{type(raised).__name__}: {raised}"
        os.write(writing, error.encode()[:4000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        error = told.read().decode(errors="replace")
    os.wait()
    return error


if __name__ == "__main__":
    main(*sys.argv[1:])
