"""The Airflow home of a local run: its folders, its lock, and the secrets that are made once and kept; and what a run
is told: folders and ports."""

from __future__ import annotations

import base64
import contextlib
import errno
import fcntl
import json
import os
import secrets
import socket
import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TextIO

import psutil


class LocalRunError(Exception):
    """The run cannot start; the text is one line for the person who asked for it."""


@dataclass(frozen=True)
class Settings:
    """Folders are absolute; ports are on the loopback interface."""

    pipelines: Path
    home: Path
    port: int
    local_api_port: int
    local_api: Path | None
    """The sample API's program, or None to run without it."""
    requirements: Path | None = None
    """The file whose packages are installed when it changes, or None."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def local_api_url(self) -> str:
        return f"http://127.0.0.1:{self.local_api_port}/"


HOST = "127.0.0.1"
LOCAL_API_URL = "LOCAL_API_URL"
"""By this environment variable the sample pipelines ask the sample API."""


def require_free_ports(settings: Settings) -> None:
    """Raises LocalRunError naming the port, who has it, and how to choose another."""
    _require_free(settings.port, "Airflow", "PORT", "--port", settings.port + 1)
    if settings.local_api:
        spare = settings.local_api_port + 1
        _require_free(settings.local_api_port, "the sample API", "LOCAL_API_PORT", "--local-api-port", spare)
        if settings.local_api_port == settings.port:
            raise LocalRunError(f"Airflow and the sample API cannot both have port {settings.port}.")


def _require_free(port: int, purpose: str, variable: str, option: str, spare: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections that a server closed a moment ago do not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = f"is taken{_by(port)}" if taken else f"cannot be used ({error.strerror})"
            raise LocalRunError(
                f"Port {port}, for {purpose}, {reason}. Choose another: make run {variable}={spare} "
                f"(factory run {option} {spare})."
            ) from None


def _by(port: int) -> str:
    """Who listens on the port, if the system lets this user see it."""
    try:
        found = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.laddr.port == port]
        process = psutil.Process(next(connection.pid for connection in found if connection.pid))
        return f" by process {process.pid} ({' '.join(process.cmdline())[:60].strip()})"
    except (psutil.Error, StopIteration):
        return ""


USER = "admin"
_BUSY_SECONDS = 10.0


class Home:
    """Files below one folder. `prepare` makes what is missing, changes no content there; hold the home first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = path / "airflow.db"
        self.logs = path / "logs"
        self.parse_logs = self.logs / "dag_processor"
        self.bundles = path / "bundles"
        self.warehouse = path / "warehouse"
        self.xcom = path / "xcom"
        # The name that Airflow's SimpleAuthManager gives the file by default.
        self.passwords = path / "simple_auth_manager_passwords.json.generated"
        self.keys = path / "keys.json"
        self.lock = path / "run.lock"
        self.config = path / "airflow.cfg"
        self.settings = path / "settings.json"
        # Keys, passwords and rows must not get into a repository by `git add --all`, whatever it ignores.
        self.ignore = path / ".gitignore"

    def prepare(self) -> None:
        """Make the folders, the keys and the password. Raises LocalRunError where they cannot be written."""
        try:
            for folder in (self.path, self.logs, self.bundles, self.warehouse, self.xcom):
                folder.mkdir(parents=True, exist_ok=True)
            if not self.ignore.exists():
                self.ignore.write_text("*\n", encoding="utf-8")
            self._make_database_private()
            self._make_keys()
            self._make_password()
        except OSError as error:
            raise self._unusable(error) from None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep every other run out of this home. Raises LocalRunError where one is there already."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            file = self.lock.open("a+", encoding="utf-8")
        except OSError as error:
            raise self._unusable(error) from None
        with file:
            self._take(file)
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield
            file.truncate(0)

    def _take(self, lock: TextIO) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            other = lock.read().strip()
            raise LocalRunError(
                f"This home is in use by another `factory run`{f' (process {other})' if other else ''}: "
                f"{self.path}. End that one, or choose another home: make run AIRFLOW_HOME=…"
            ) from None
        except OSError as error:
            raise self._unusable(error) from None

    def _unusable(self, error: OSError) -> LocalRunError:
        return LocalRunError(f"The Airflow home {self.path} cannot be used: {error}")

    def configure(self, settings: Settings, airflow_cfg: str) -> None:
        """Leave for other commands how this Airflow is configured. Raises LocalRunError."""
        try:
            _write_private(self.config, airflow_cfg)
            _write_private(self.settings, json.dumps(asdict(settings), default=str))
        except OSError as error:
            raise self._unusable(error) from None

    def read_settings(self) -> Settings:
        """What the last run in this home was told. Raises LocalRunError."""
        try:
            found = json.loads(self.settings.read_text(encoding="utf-8"))
            api = found["local_api"]
            ports = found["port"], found["local_api_port"]
            return Settings(Path(found["pipelines"]), self.path, *ports, Path(api) if api else None)
        except FileNotFoundError:
            raise LocalRunError(f"There is no Airflow in {self.path}: start it once, with `make run`.") from None
        except (OSError, ValueError, KeyError, TypeError):
            raise LocalRunError(f"{self.settings} is damaged: the next `make run` writes it again.") from None

    def read_keys(self) -> dict[str, str]:
        """`fernet`, `jwt` and `api`: what Airflow encrypts connections, signs tokens and sessions with.

        Raises LocalRunError.
        """
        return _read(self.keys, {"fernet", "jwt", "api"})

    def read_password(self) -> str:
        """The password of USER. Raises LocalRunError."""
        return _read(self.passwords, {USER})[USER]

    @property
    def migrated(self) -> bool:
        """Whether the installed Airflow migrated the database; one migration too many does no harm."""
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            try:
                return bool(connection.execute("PRAGMA user_version").fetchone()[0] == _airflow())
            except sqlite3.DatabaseError:
                # Damaged, or no database: the migration says so in its log.
                return False

    def note_migrated(self) -> None:
        """Write the installed Airflow's version into the database, which a lost or restored one then lacks."""
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            connection.execute(f"PRAGMA user_version = {_airflow()}")

    def add_warehouse(self) -> None:
        """Make the connection `warehouse` where there is none: SQLite, in which several tasks can write in turn.

        Raises LocalRunError.
        """
        place, about = str(self.warehouse / "warehouse.db"), "The database of the examples, made by make run."
        try:
            with contextlib.closing(sqlite3.connect(self.database, timeout=_BUSY_SECONDS)) as connection, connection:
                connection.execute(
                    "INSERT INTO connection (conn_id, conn_type, host, description, is_encrypted, is_extra_encrypted)"
                    " SELECT 'warehouse', 'sqlite', ?, ?, 0, 0"
                    " WHERE NOT EXISTS (SELECT 1 FROM connection WHERE conn_id = 'warehouse')",
                    (place, about),
                )
        except sqlite3.Error as error:
            raise LocalRunError(f"The database {self.database} cannot be used: {error}") from None

    def _make_database_private(self) -> None:
        """It holds connections, and what tasks hand on. SQLite gives the files beside it the same permissions."""
        self.database.touch(0o600)
        for name in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                self.database.with_name(self.database.name + name).chmod(0o600)

    def _make_keys(self) -> None:
        if not self.keys.exists():
            keys = {
                "fernet": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
                "jwt": secrets.token_urlsafe(64),
                "api": secrets.token_urlsafe(32),
            }
            _write_private(self.keys, json.dumps(keys))

    def _make_password(self) -> None:
        # Made here and not by Airflow, which would write it readable for everybody and print it to its log.
        if not self.passwords.exists():
            _write_private(self.passwords, json.dumps({USER: secrets.token_urlsafe(12)}))


def _airflow() -> int:
    """The installed version as SQLite's `user_version` can hold it: a signed 32-bit number."""
    return zlib.crc32(version("apache-airflow-core").encode()) >> 1


def _write_private(path: Path, text: str) -> None:
    scratch = path.with_name(path.name + ".new")
    scratch.unlink(missing_ok=True)
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    scratch.replace(path)


def _read(path: Path, names: set[str]) -> dict[str, str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {name: str(content[name]) for name in names}
    except (OSError, ValueError, KeyError, TypeError):
        raise LocalRunError(
            f"{path} is damaged: not JSON with {', '.join(sorted(names))}. Remove it for a new one."
        ) from None
