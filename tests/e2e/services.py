"""PostgreSQL and Redis as a Linux distribution ships them: on free loopback ports, in folders of their own."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .harness import free_port

START_SECONDS = 60.0
PATIENCE = 10.0
"""Seconds for a service to end when it is asked to."""


def missing_services() -> list[str]:
    """What is not installed here, with what installs it on Debian and Ubuntu."""
    found = {
        "postgresql": postgresql_program("initdb"),
        "redis-server": shutil.which("redis-server"),
        "mariadb-server": shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin"),
    }
    return [f"{name} (apt-get install {name})" for name, program in found.items() if program is None]


def postgresql_program(name: str) -> str | None:
    """Debian keeps the server's programs, by version, outside of PATH."""
    by_version = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: float(p.parts[-3]))
    return str(by_version[-1]) if by_version else shutil.which(name)


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """A cluster of its own with a database `airflow`; gives `user:password@host:port/airflow`."""
    user = _unprivileged()
    password, port = secrets.token_hex(16), free_port()
    with _folder_of(user) as folder:
        (folder / "password").write_text(password)
        _give(folder / "password", user)
        options = ["--username=airflow", f"--pwfile={folder / 'password'}", "--auth=scram-sha-256", "--encoding=UTF8"]
        _done([_program("initdb"), f"--pgdata={folder / 'data'}", "--no-sync", *options], user)
        server = [_program("postgres"), "-D", str(folder / "data"), "-p", str(port), "-k", str(folder)]
        # SIGINT: PostgreSQL's fast shutdown, which does not wait for clients.
        with _running([*server, "-c", "listen_addresses=127.0.0.1"], user, port, folder / "log", signal.SIGINT):
            environment = {"PGPASSWORD": password, "PATH": os.environ["PATH"]}
            client = ["--host=127.0.0.1", f"--port={port}", "--username=airflow"]
            _until_done([_program("createdb"), *client, "airflow"], environment)
            yield f"airflow:{password}@127.0.0.1:{port}/airflow"


@contextlib.contextmanager
def mariadb() -> Iterator[str]:
    """A server of its own with a database `shop`; gives `user:password@host:port/shop`."""
    user = _unprivileged("mysql")
    password, port = secrets.token_hex(16), free_port()
    with _folder_of(user) as folder:
        data = folder / "data"
        options = ["--no-defaults", f"--datadir={data}", "--skip-test-db", "--auth-root-authentication-method=normal"]
        _done([_program("mariadb-install-db"), *options], user)
        first = folder / "first.sql"
        account = "'loader'@'127.0.0.1'"
        first.write_text(
            "CREATE DATABASE shop CHARACTER SET utf8mb4;\n"
            f"CREATE USER {account} IDENTIFIED BY '{password}';\nGRANT ALL ON *.* TO {account};\n"
        )
        _give(first, user)
        server = [_program("mariadbd"), "--no-defaults", f"--datadir={data}", f"--port={port}", f"--init-file={first}"]
        server += ["--bind-address=127.0.0.1", f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}"]
        server += ["--innodb-flush-log-at-trx-commit=0"]
        with _running(server, user, port, folder / "log", signal.SIGTERM):
            yield f"loader:{password}@127.0.0.1:{port}/shop"


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """A server that keeps nothing on disk; gives `:password@host:port`."""
    user = _unprivileged()
    password, port = secrets.token_hex(16), free_port()
    with _folder_of(user) as folder:
        configuration = folder / "redis.conf"
        lines = ("bind 127.0.0.1", f"port {port}", f"requirepass {password}", 'save ""', f"dir {folder}")
        configuration.write_text("\n".join(lines))
        _give(configuration, user)
        server = [_program("redis-server"), str(configuration)]
        with _running(server, user, port, folder / "log", signal.SIGTERM):
            yield f":{password}@127.0.0.1:{port}"


def _program(name: str) -> str:
    found = postgresql_program(name) or shutil.which(name) or shutil.which(name, path="/usr/sbin")
    assert found is not None, f"{name} is not installed"
    return found


def _unprivileged(own: str = "postgres") -> str | None:
    """Whom a service runs as; None: as the tests do. PostgreSQL and MariaDB refuse to run as root."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return own if own in names else "nobody"


@contextlib.contextmanager
def _folder_of(user: str | None) -> Iterator[Path]:
    """Not below pytest's folder, which nobody but its owner may enter."""
    with tempfile.TemporaryDirectory(prefix="service-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _give(folder, user)
        yield folder


def _give(path: Path, user: str | None) -> None:
    if user is not None:
        shutil.chown(path, user)


def _done(command: list[str], user: str | None) -> None:
    done = subprocess.run(command, user=user, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _until_done(command: list[str], environment: dict[str, str]) -> None:
    """A server that takes connections may still say for a moment that it starts."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.2)


@contextlib.contextmanager
def _running(command: list[str], user: str | None, port: int, log: Path, end: signal.Signals) -> Iterator[None]:
    with log.open("w") as output:
        process = subprocess.Popen(command, user=user, cwd="/", stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _listens(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(end)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    for service in missing_services():
        print(f"Not installed: {service}. What needs it is skipped.", flush=True)
