"""The configuration of a local Airflow: environment variables of its processes, and `airflow.cfg` in its home.

Three groups: what identifies the run (its database, ports and bundle: the shell's values are ignored, so that
it never touches another Airflow's database), what makes it quick and quiet (the shell's values win), and the
rest, which is passed on unchanged, with `AIRFLOW_CONN_…` and `AIRFLOW_VAR_…`.

The first two are also in `airflow.cfg`, so that an `airflow` command with only `AIRFLOW_HOME` set sees the same
Airflow: without it, such a command would make the bundle inactive and add Airflow's examples.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from factory.local.home import LOCAL_API_URL, USER, Home, Settings

BUNDLE = "pipelines"
REFRESH_SECONDS = 5
DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
DATABASE_SECONDS = 60
"""How long a process waits for another one's write: SQLite lets one write at a time."""
PARSE_SECONDS = 120
"""Airflow's 50 are too short for the first notification of a run when the machine is busy: the dag-processor builds an
API for it, which takes 7 s of CPU, and the notification would be killed before it is sent."""

API_SERVER = "api-server"
API_SERVER_SECONDS = 5
"""Its event loop writes its audit log while a request that is half done needs that loop to end its own write: only the
end of the wait ends that, with an error 500. Source: `api_fastapi/logging/decorators.py`."""

DROPPED = {
    # What a shell has left over, and would change which code runs.
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "AIRFLOW_API_APPS",
    "DEV_MODE",
    # Airflow derives it from the database's address; an empty value is not an unset one.
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_SCHEMA",
    "AIRFLOW__API__SSL_CERT",
    "AIRFLOW__API__SSL_KEY",
}
SECRETS = {
    "AIRFLOW__CORE__FERNET_KEY": "fernet",
    "AIRFLOW__API_AUTH__JWT_SECRET": "jwt",
    "AIRFLOW__API__SECRET_KEY": "api",
}
"""Airflow's variable → the name in the home's file of keys."""

# No newline behind the key: Airflow takes the output as it is.
READ_KEY = "import json, sys; sys.stdout.write(json.load(open(sys.argv[1]))[sys.argv[2]])"
CFG_HEADING = """\
# Written at each start of `factory run`: edits are lost. To change a setting, set AIRFLOW__SECTION__KEY in the shell
# that starts it.
"""
LOOPBACK = "127.0.0.1,localhost"


@dataclass(frozen=True)
class LocalEnvironment:
    """`variables` for the processes; the names of the shell's settings that were `ignored`, and `used`."""

    variables: dict[str, str]
    ignored: list[str]
    used: list[str]
    configured: frozenset[str]
    """The names of those that are in `airflow.cfg` too."""
    api_server: dict[str, str]
    """What the API server has instead."""

    def of(self, component: str) -> dict[str, str]:
        """The variables of one process by its name."""
        return {**self.variables, **self.api_server} if component == API_SERVER else self.variables

    def airflow_cfg(self) -> str:
        """The text of `airflow.cfg`. Values are escaped for Python's ConfigParser."""
        sections: dict[str, list[str]] = {}
        for name in sorted(self.configured):
            if name.startswith("AIRFLOW__"):
                section, key = name.removeprefix("AIRFLOW__").lower().split("__", 1)
                value = self.variables[name].replace("%", "%%")
                sections.setdefault(section, []).append(f"{key} = {value}\n")
        return CFG_HEADING + "".join(f"\n[{section}]\n{''.join(lines)}" for section, lines in sections.items())


def local_environment(shell: Mapping[str, str], settings: Settings, home: Home) -> LocalEnvironment:
    """The environment of every process of the run, made from the shell's. Raises LocalRunError."""
    fixed = _fixed(settings, home)
    defaults = _defaults(settings, home)
    # Airflow reads OPTION, OPTION_CMD and OPTION_SECRET, in this order.
    shadows = {f"{name}{suffix}" for name in fixed for suffix in ("_CMD", "_SECRET")}
    # Those that a key's command hides, or that would hide it.
    shadows |= SECRETS.keys() | {f"{name}_SECRET" for name in SECRETS}
    kept = {name: value for name, value in shell.items() if name not in fixed.keys() | shadows | DROPPED}
    ignored = [
        name
        for name, value in shell.items()
        if name.startswith("AIRFLOW") and name not in kept and not _same(value, fixed.get(name))
    ]
    used = [
        name
        for name, value in kept.items()
        if (name.startswith("AIRFLOW__") or name in defaults) and value != defaults.get(name)
    ]
    variables = {**defaults, **kept, **fixed, **_proxies(shell)}
    own = {DATABASE: _database(home, API_SERVER_SECONDS)}
    return LocalEnvironment(variables, sorted(ignored), sorted(used), frozenset(fixed.keys() | defaults.keys()), own)


def _same(shell: str, ours: str | None) -> bool:
    """Also two spellings of one path: make hands on `AIRFLOW_HOME` as it was written."""
    return ours is not None and (shell == ours or Path(shell).expanduser().absolute() == Path(ours))


def _fixed(settings: Settings, home: Home) -> dict[str, str]:
    bundle = {
        "name": BUNDLE,
        "classpath": "factory.bundle.PipelineBundle",
        "kwargs": {
            "folder": str(settings.pipelines),
            "refresh_interval": REFRESH_SECONDS,
            "environment": _of_pipelines(settings, home),
        },
    }
    home.read_keys()  # Refuses a damaged file here, not in the log of every process.
    return {
        **_key_commands(home),
        "AIRFLOW_HOME": str(home.path),
        "AIRFLOW_CONFIG": str(home.path / "airflow.cfg"),
        DATABASE: _database(home, DATABASE_SECONDS),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__CORE__AUTH_MANAGER": (
            "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
        ),
        # A password, though only this machine can connect: so can its other users, and every web page that is
        # open in a browser here.
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home.passwords),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(settings.port),
        "AIRFLOW__API__BASE_URL": settings.url,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{settings.url}/execution/",
        "AIRFLOW__CORE__DAGS_FOLDER": str(home.path / "dags"),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home.logs),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(home.parse_logs),
        "AIRFLOW__LOGGING__REMOTE_LOGGING": "False",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps([bundle]),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(home.bundles),
        "PIPELINES_FOLDER": str(settings.pipelines),
    }


def _of_pipelines(settings: Settings, home: Home) -> dict[str, str]:
    """What the sample pipelines ask for by `${env.…}`."""
    api = {LOCAL_API_URL: settings.local_api_url} if settings.local_api else {}
    return {"WAREHOUSE": str(home.warehouse), **api}


def _database(home: Home, seconds: int) -> str:
    return f"sqlite:///{home.database}?timeout={seconds}"


def _key_commands(home: Home) -> dict[str, str]:
    """Commands instead of keys: every task inherits the environment, and may print it."""
    program = [sys.executable, "-I", "-S", "-c", READ_KEY, str(home.keys)]
    return {f"{variable}_CMD": shlex.join([*program, name]) for variable, name in SECRETS.items()}


def _defaults(settings: Settings, home: Home) -> dict[str, str]:
    quick_and_quiet = {
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",
        # The default is 30 s: an edit that follows another one sooner would wait for MIN_FILE_PROCESS_INTERVAL.
        "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "1",
        # The default asks the name service, which takes seconds where that is badly set up.
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": str(REFRESH_SECONDS),
        "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
        "AIRFLOW__DAG_PROCESSOR__FILE_PARSING_SORT_MODE": "modified_time",
        "AIRFLOW__DAG_PROCESSOR__PRINT_STATS_INTERVAL": "600",
        "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": str(PARSE_SECONDS),
        # A task whose process was killed is known to be dead after a minute, not after five.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        # Airflow's 5 s are too short for a laptop that is busy: the task would fail.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "30",
        # The process that watches a task sleeps this long (s) after the task's end, holding its slot.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        # What tasks hand on is a row of the database up to this many bytes, else a file.
        "AIRFLOW__CORE__XCOM_BACKEND": "airflow.providers.common.io.xcom.backend.XComObjectStorageBackend",
        "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH": f"file://{home.xcom}",
        "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_THRESHOLD": "65536",
        "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
        "AIRFLOW__DAG_FACTORY__ENABLE_TELEMETRY": "False",
        "DO_NOT_TRACK": "1",
        "SCARF_ANALYTICS": "false",
        **_of_pipelines(settings, home),
    }
    if sys.platform == "darwin":
        # macOS ends a forked process that uses Objective-C, which looking up proxies does.
        quick_and_quiet["OBJC_DISABLE_INITIALIZE_FORK_SAFETY"] = "YES"
    return quick_and_quiet


def _proxies(shell: Mapping[str, str]) -> dict[str, str]:
    """Tasks talk to Airflow over loopback, which a proxy cannot reach."""
    names = ("NO_PROXY", "no_proxy")
    present = next((shell[name] for name in names if shell.get(name)), "")
    value = f"{present},{LOOPBACK}" if present else LOOPBACK
    return dict.fromkeys(names, value)


def airflow(*arguments: str) -> list[str]:
    """-P: no folder that this happens to be started in can hide a package."""
    return [sys.executable, "-P", "-m", "airflow", *arguments]
