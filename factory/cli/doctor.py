"""Look at this machine's Airflow and say what is wrong, one line each.

Run it with the environment variables of the process that you ask about: the dag-processor reads the pipelines and
writes the storage, a worker reads it. Without `AIRFLOW_HOME`, it looks at the Airflow of `factory run` that is here or
in a folder above, if there is one. Exit status: 0 nothing is wrong (warnings allowed), 1 an error, 2 usage.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from factory.cli import UsageError, to_path
from factory.cli.airflow import home_folder
from factory.cli.run import require_airflow
from factory.reporters.text import printable, without_credentials

if TYPE_CHECKING:
    from factory.bundle.health import Finding

# Airflow is imported by the checks that need it: `--help` does without.
# ruff: noqa: PLC0415

BUNDLE = "factory.bundle.PipelineBundle"
SUPPORTED = ("3.3.",)
METRICS = {
    "statsd_datadog_enabled": "apache-airflow[datadog]",
    "statsd_on": "apache-airflow[statsd]",
    "otel_on": "apache-airflow[otel]",
}
"""What turns Airflow's metrics on, in its own order → what has to be installed for it."""


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
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
    os.environ["GIT_TERMINAL_PROMPT"] = "0"
    _find_connections()
    for check in (_airflow, _plugin, _bundles, _settings, _metrics):
        for level, text in check():
            print(f"{level:<8}{_in_a_line(text)}")
            worst = level if level == "error" or worst == "ok" else worst
    return 1 if worst == "error" else 0


def _in_a_line(text: str) -> str:
    """Without a secret of a URL, whoever said it, and without what no terminal can show."""
    return printable(without_credentials(" ".join(text.split())))


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


def _find_connections() -> None:
    """Look them up in the database, too, as the dag-processor does; without making the file of an SQLite."""
    from airflow.configuration import conf

    kind, _, file = conf.get("database", "sql_alchemy_conn").partition(":///")
    if kind != "sqlite" or Path(file.partition("?")[0]).is_file():
        os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"


def _airflow() -> Iterator[Finding]:
    from airflow.configuration import AIRFLOW_CONFIG, AIRFLOW_HOME

    yield ("ok", f"home {AIRFLOW_HOME}, configuration {AIRFLOW_CONFIG}")
    found = version("apache-airflow-core")
    if found.startswith(SUPPORTED):
        yield ("ok", f"Airflow {found}")
    else:
        yield ("error", f"Airflow {found} is installed, and this version needs {SUPPORTED[0]}x")


def _plugin() -> Iterator[Finding]:
    ours = [point for point in entry_points(group="airflow.plugins") if point.name == "pipeline_factory"]
    if not ours:
        yield ("error", "the plug-in is not installed: install the package with pip, not by PYTHONPATH")
    for point in ours:
        try:
            point.load()
        except Exception as error:  # what it imports raises anything
            yield ("error", f"the plug-in cannot be imported: {error}")
        else:
            yield ("ok", f"plug-in of airflow-pipeline-factory {version('airflow-pipeline-factory')}")


def _metrics() -> Iterator[Finding]:
    """Make the client that sends metrics, where they are on: Airflow logs that it cannot, and sends none."""
    from airflow.configuration import conf
    from airflow.observability.metrics.stats_utils import get_stats_factory

    key = ""
    try:
        key = next((key for key in METRICS if conf.getboolean("metrics", key, fallback=False)), key)
        if not key:
            return
        get_stats_factory()()
    except ImportError as error:
        yield ("error", f"[metrics] {key} is on, and no metric is sent: {error}; install {METRICS[key]}")
    except Exception as error:  # a name that is unknown, a port that is none, somebody's own client
        yield ("error", f"[metrics]: no metric is sent: {type(error).__name__}: {error}")
    else:
        yield ("ok", f"[metrics] {key} is on, and its client is installed")


def _bundles() -> Iterator[Finding]:
    from airflow.configuration import conf
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    from factory.bundle import PipelineBundle
    from factory.bundle.health import examine

    text = conf.get("dag_processor", "dag_bundle_config_list", fallback="[]")
    try:
        entries = [
            (entry.get("name", "?"), entry["classpath"], entry.get("kwargs") or {}) for entry in json.loads(text)
        ]
    except (ValueError, AttributeError, TypeError, KeyError) as error:
        yield ("error", f"[dag_processor] dag_bundle_config_list is not a JSON list of mappings: {error!r}")
        return
    is_configured = is_wrong = False
    of_store: dict[str, str] = {}
    for name, classpath, kwargs in entries:
        try:
            module, _, of_module = classpath.rpartition(".")
            made = getattr(importlib.import_module(module), of_module)
        except Exception as error:  # whatever a module raises
            is_wrong = True
            is_meant = "pipeline" in classpath.lower() or classpath.startswith("factory.")
            hint = f"; write {BUNDLE}" if is_meant else ""
            yield ("error", f"bundle {name}: {classpath} cannot be imported: {error}{hint}")
            continue
        if isinstance(made, type) and issubclass(made, PipelineBundle):
            is_configured = True
            for level, said in examine(made, name, kwargs):
                yield level, f"bundle {name}: {said}"
            store = str(kwargs.get("store") or "").rstrip("/")
            other = of_store.setdefault(store, name) if store else name
            if other != name:
                said = f"it has the store of bundle {other}, and each would remove what the other needs"
                yield ("error", f"bundle {name}: {said}; give each a prefix of its own")
    if is_wrong:
        return
    try:
        DagBundlesManager()  # type: ignore[no-untyped-call]
    except Exception as error:  # what Airflow's parts raise
        yield ("error", f"Airflow refuses its bundles: {error}")
    if not is_configured:
        yield (
            "warning",
            f"no bundle of the class {BUNDLE} is configured here: pipelines come from a dags folder only, and runs are "
            "not pinned to a version (to ask about another Airflow, name its home: --airflow-home)",
        )


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
        *("core", "min_serialized_dag_update_interval", lambda value: float(value) > 5),
        "an edit shows so many seconds after the last one of the same pipeline at the earliest; set 1",
    ),
    Setting(
        *("workers", "execution_api_timeout", lambda value: float(value) < 30),
        "a task waits no longer for the answer of a busy api-server; set 60",
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
        *("dag_processor", "disable_bundle_versioning", _is_true),
        "runs are not pinned to a version, and an edit changes runs that are under way; set False",
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

    # A store is there for other hosts, whatever this process takes for the executor.
    has_store = '"store"' in conf.get("dag_processor", "dag_bundle_config_list", fallback="")
    is_alone = conf.get("core", "executor") == "LocalExecutor" and not has_store
    for section, key, hurts, why, has_workers in SETTINGS:
        if has_workers and is_alone:
            continue
        value = conf.get(section, key, fallback="")
        try:
            is_bad = value != "" and hurts(value)
        except ValueError:
            yield ("error", f"[{section}] {key} is {value!r}, which is not a number")
            continue
        if is_bad:
            yield ("warning", f"[{section}] {key} is {value}: {why}")
