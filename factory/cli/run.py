"""Start Airflow on this machine with the pipelines of a folder, and show what happens.

State is kept in the Airflow home; the next run continues from it. Ctrl-C or SIGTERM ends everything that was
started. Exit status: 0 stopped by a signal, 1 a process ended by itself, 2 the run could not start.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path

from factory.cli import UsageError, to_path
from pipeline_factory import requirement

MAX_PORT = 65535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory run`."""
    parser.add_argument("--port", type=port, default=8080, help="port of Airflow's UI and API (8080)")
    parser.add_argument("--local-api-port", type=port, default=8000, help="port of the sample API (8000)")
    parser.add_argument(
        "--airflow-home", type=to_path, default=Path(".airflow"), help="folder for Airflow's state (.airflow)"
    )
    parser.add_argument(
        "--pipelines",
        type=to_path,
        default=Path(os.environ.get("PIPELINES_FOLDER") or "pipelines"),
        help="folder of the pipelines ($PIPELINES_FOLDER, else pipelines)",
    )
    parser.add_argument(
        "--requirements",
        type=to_path,
        default=Path("requirements-extra.txt"),
        metavar="FILE",
        help="packages to install when this file changes (requirements-extra.txt)",
    )
    parser.add_argument("--no-local-api", action="store_true", help="do not start examples/local_api.py")


def port(text: str) -> int:
    """Raises argparse.ArgumentTypeError."""
    if not text.isdecimal() or not 0 < int(text) <= MAX_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: 1 to {MAX_PORT}")
    return int(text)


def require_airflow() -> None:
    """Raises UsageError."""
    if find_spec("airflow") is None:
        raise UsageError(f"Airflow is not installed here: pip install {requirement('airflow')}")


def run(arguments: argparse.Namespace) -> int:
    """Returns the exit status. Raises UsageError."""
    require_airflow()
    # What they import is installed with Airflow.
    from factory.local.home import LocalRunError, Settings  # noqa: PLC0415
    from factory.local.processes import guard  # noqa: PLC0415
    from factory.local.supervisor import local_api_program  # noqa: PLC0415
    from factory.local.supervisor import run as supervise  # noqa: PLC0415

    here = Path.cwd()
    settings = Settings(
        pipelines=here / arguments.pipelines.expanduser(),
        home=here / arguments.airflow_home.expanduser(),
        port=arguments.port,
        local_api_port=arguments.local_api_port,
        local_api=None if arguments.no_local_api else local_api_program(here),
        requirements=here / arguments.requirements.expanduser(),
    )

    def supervised() -> int:
        try:
            return supervise(settings)
        except LocalRunError as error:
            print(f"factory run: {error}", file=sys.stderr)
            return 2

    return guard(supervised)
