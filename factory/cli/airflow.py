"""Run an Airflow command in the Airflow of `factory run`, such as `factory airflow tasks test hello_etl extract`.

It has that Airflow's configuration, whatever the shell has set. The exit status is the command's; 2 when there is
no such Airflow.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from factory.cli import UsageError, to_path
from factory.cli.run import require_airflow

HOME = ".airflow"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory airflow`."""
    parser.add_argument(
        "--airflow-home",
        type=to_path,
        metavar="FOLDER",
        help="Airflow's home (.airflow here or in a folder above)",
    )
    parser.add_argument(
        "arguments", nargs=argparse.REMAINDER, metavar="ARGS", help="the command, as `airflow --help` lists them"
    )


def run(arguments: argparse.Namespace) -> int:
    """Replaces this process. Raises UsageError."""
    require_airflow()
    # What they import is installed with Airflow.
    from factory.local.environment import airflow, local_environment  # noqa: PLC0415
    from factory.local.home import Home, LocalRunError  # noqa: PLC0415

    home = Home(home_folder(arguments.airflow_home))
    try:
        environment = local_environment(os.environ, home.read_settings(), home)
    except LocalRunError as error:
        raise UsageError(str(error)) from None
    command = airflow(*arguments.arguments)
    os.execve(command[0], command, environment.variables)  # noqa: S606 # no shell


def home_folder(written: Path | None) -> Path:
    """Airflow's home that is meant: the one that is written, else `.airflow` here or in the nearest folder above."""
    here = Path.cwd()
    if written is not None:
        return here / written.expanduser()
    above = (folder / HOME for folder in (here, *here.parents))
    return next((home for home in above if home.is_dir()), here / HOME)


def use_local_api(home: Path) -> None:
    """Where the sample API of `factory run` listens, for pipelines that ask by LOCAL_API_URL: the run gives this to its
    own processes only. What the shell has set stays. Raises UsageError."""
    from factory.local.home import LOCAL_API_URL, Home, LocalRunError  # noqa: PLC0415 # as above

    kept = Home(home)
    if LOCAL_API_URL in os.environ or not kept.settings.is_file():
        return
    try:
        settings = kept.read_settings()
    except LocalRunError as error:
        raise UsageError(str(error)) from None
    if settings.local_api is not None:
        os.environ[LOCAL_API_URL] = settings.local_api_url
