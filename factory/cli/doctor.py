"""Look at this machine's Airflow and say what is wrong, one line each.

Run it with the environment variables of the process that you ask about: the dag-processor reads the pipelines and
writes the storage, a worker reads it. Without `AIRFLOW_HOME`, it looks at the Airflow of `factory run` that is here or
in a folder above, if there is one. Exit status: 0 nothing is wrong (warnings allowed), 1 an error, 2 usage.
"""

from __future__ import annotations

import argparse
import json
import os
import uuid
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any, NamedTuple

from factory.cli import UsageError, to_path
from factory.cli.airflow import home_folder
from factory.cli.run import require_airflow

# Airflow is imported by the checks that need it: `--help` does without.
# ruff: noqa: PLC0415

BUNDLE = "factory.bundle.PipelineBundle"
SUPPORTED = ("3.3.",)


class Finding(NamedTuple):
    """`level` is `ok`, `warning` or `error`."""

    level: str
    text: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory doctor`."""
    parser.add_argument(
        "--airflow-home",
        type=to_path,
        metavar="FOLDER",
        help="Airflow's home ($AIRFLOW_HOME, else .airflow here or in a folder above, else ~/airflow)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; returns the exit status. Raises UsageError."""
    require_airflow()
    _choose_home(arguments.airflow_home)
    # Providers warn of each other while they are imported, into standard output.
    warnings.simplefilter("ignore")
    worst = "ok"
    # A line each: what is wrong is a finding; what a source logs while it is made, such as a traceback, is none.
    os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "CRITICAL"
    for check in (_airflow, _plugin, _bundles, _settings):
        for level, text in check():
            print(f"{level:<8}{text}")
            worst = level if level == "error" or worst == "ok" else worst
    return 1 if worst == "error" else 0


def _choose_home(written: Path | None) -> None:
    """Take on the environment of the Airflow that is meant. Raises UsageError."""
    from factory.local.environment import local_environment
    from factory.local.home import Home, LocalRunError

    if written is None and "AIRFLOW_HOME" in os.environ:
        return
    home = Home(home_folder(written))
    if home.settings.is_file():
        try:
            os.environ.update(local_environment(os.environ, home.read_settings(), home).variables)
        except LocalRunError as error:
            raise UsageError(str(error)) from None
    elif written is not None:
        if not home.path.is_dir():
            raise UsageError(f"--airflow-home {written}: there is no such folder")
        os.environ["AIRFLOW_HOME"] = str(home.path)


def _airflow() -> Iterator[Finding]:
    from airflow.configuration import AIRFLOW_CONFIG, AIRFLOW_HOME

    yield Finding("ok", f"home {AIRFLOW_HOME}, configuration {AIRFLOW_CONFIG}")
    found = version("apache-airflow-core")
    if found.startswith(SUPPORTED):
        yield Finding("ok", f"Airflow {found}")
    else:
        yield Finding("error", f"Airflow {found} is installed, and this version needs {SUPPORTED[0]}x")


def _plugin() -> Iterator[Finding]:
    ours = [point for point in entry_points(group="airflow.plugins") if point.name == "pipeline_factory"]
    if not ours:
        yield Finding("error", "the plug-in is not installed: install the package with pip, not by PYTHONPATH")
    for point in ours:
        try:
            point.load()
        except Exception as error:  # what it imports raises anything
            yield Finding("error", f"the plug-in cannot be imported: {error}")
        else:
            yield Finding("ok", f"plug-in of airflow-pipeline-factory {version('airflow-pipeline-factory')}")


def _bundles() -> Iterator[Finding]:
    from airflow.configuration import conf

    text = conf.get("dag_processor", "dag_bundle_config_list", fallback="[]")
    try:
        entries = [entry for entry in json.loads(text) if entry.get("classpath") == BUNDLE]
    except (ValueError, AttributeError, TypeError) as error:
        yield Finding("error", f"[dag_processor] dag_bundle_config_list is not a JSON list of mappings: {error}")
        return
    if not entries:
        yield Finding(
            "warning",
            f"no bundle of the class {BUNDLE} is configured here: pipelines come from a dags folder only, and runs are "
            "not pinned to a version (to ask about another Airflow, name its home: --airflow-home)",
        )
    for entry in entries:
        yield from _bundle(entry)


def _bundle(entry: dict[str, Any]) -> Iterator[Finding]:
    from factory.bundle import PipelineBundle

    name = entry.get("name", "?")
    try:
        bundle = PipelineBundle(**{"name": name, **(entry.get("kwargs") or {})})
        folder = bundle.folder
    except Exception as error:  # a source's constructor raises anything
        yield Finding("error", f"bundle {name}: {type(error).__name__}: {error}")
        return
    if "source" in (entry.get("kwargs") or {}):
        yield Finding("ok", f"bundle {name}: its pipelines come from {entry['kwargs']['source'].get('classpath')}")
    elif folder.is_dir() and os.access(folder, os.R_OK | os.X_OK):
        yield Finding("ok", f"bundle {name}: reads {folder}")
    else:
        why = "cannot be read" if folder.exists() else "does not exist"
        yield Finding("warning", f"bundle {name}: {folder} {why} here; the dag-processor needs it, workers do not")
    yield _storage(name, bundle.base_dir)
    if bundle.archives is not None:
        yield _store(name, bundle.archives)
    yield from _versions_alike(name, bundle)


def _storage(name: str, folder: Path) -> Finding:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if os.access(existing, os.W_OK | os.X_OK):
        return Finding("ok", f"bundle {name}: storage {folder} is writable")
    return Finding("warning", f"bundle {name}: storage {folder} is read-only here; the dag-processor must write it")


def _store(name: str, archives: Any) -> Finding:
    from factory.bundle.store import StoreError

    try:
        archives.probe(f"doctor-{uuid.uuid4().hex}")
    except StoreError as error:
        return Finding("error", f"bundle {name}: {error}")
    return Finding("ok", f"bundle {name}: store {archives} can be written and read")


def _versions_alike(name: str, bundle: Any) -> Iterator[Finding]:
    from factory.bundle.records import read_state, written_by

    state = read_state(bundle.base_dir)
    if state.version is None:
        yield Finding("warning", f"bundle {name}: no dag-processor has written a version into {bundle.base_dir} yet")
    elif state.written_by and state.written_by != written_by():
        yield Finding(
            "error",
            f"bundle {name}: the dag-processor runs {state.written_by}, and this process {written_by()}; "
            "install the same versions everywhere",
        )
    else:
        yield Finding("ok", f"bundle {name}: version {state.version[:12]}, written by {written_by()}")


class Setting(NamedTuple):
    """A setting that is known to hurt where `hurts` says so of its value."""

    section: str
    key: str
    hurts: Callable[[str], bool]
    why: str
    has_workers: bool = False
    """Whether it hurts only where tasks run elsewhere than the scheduler."""


def _is_true(value: str) -> bool:
    return value.strip().lower() in ("true", "t", "1")


SETTINGS = (
    Setting(
        *("core", "lazy_load_plugins", _is_true),
        "workers import Airflow again for each task; set False where tasks run",
        has_workers=True,
    ),
    Setting(
        *("dag_processor", "bundle_refresh_check_interval", lambda value: float(value) > 2),
        "an edit waits that many seconds before it is looked at; set 1",
    ),
    Setting(
        *("dag_processor", "min_file_process_interval", lambda value: float(value) < 300),
        "every pipeline is parsed again so often although nothing changed; set 600",
    ),
    Setting(
        *("dag_processor", "file_parsing_sort_mode", lambda value: value != "modified_time"),
        "an edited pipeline waits behind all others; set modified_time",
    ),
    Setting(
        *("dag_processor", "stale_bundle_cleanup_interval", lambda value: float(value) > 0),
        "on several hosts that share a storage, Airflow removes versions that other hosts use; set 0 there",
        has_workers=True,
    ),
)


def _settings() -> Iterator[Finding]:
    from airflow.configuration import conf

    is_alone = conf.get("core", "executor") == "LocalExecutor"
    for section, key, hurts, why, has_workers in SETTINGS:
        if has_workers and is_alone:
            continue
        value = conf.get(section, key, fallback="")
        try:
            is_bad = value != "" and hurts(value)
        except ValueError:
            yield Finding("error", f"[{section}] {key} is {value!r}, which is not a number")
            continue
        if is_bad:
            yield Finding("warning", f"[{section}] {key} is {value}: {why}")
