"""What a trial keeps in place of Airflow's database, and what it reads from that of `make run`."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from airflow.sdk import Connection
from airflow.sdk._shared.secrets_masker import should_hide_value_for_key

from schemas.compose.env_values import names_secret, without

RETURN_VALUE = "return_value"
_PARTS = ("conn_type", "host", "schema", "login", "password", "port", "extra")
_BUSY_SECONDS = 10.0


def parsed(written: str, conn_id: str) -> Connection:
    """A connection that is written as JSON or as a URI. Raises ValueError, and what Airflow raises."""
    is_json = written.lstrip().startswith("{")
    if not is_json and "://" not in written:
        raise ValueError("a URI begins with its type, `http://…`")
    return Connection.from_json(written, conn_id) if is_json else Connection.from_uri(written, conn_id)


def secrets_of(connection: Connection) -> set[str]:
    """What nobody may know of a connection, also as a request proves who asks."""
    found = {*hidden_in(connection.extra_dejson)} | ({connection.password} if connection.password else set())
    if connection.login and connection.password:
        found.add(b64encode(f"{connection.login}:{connection.password}".encode()).decode())
    return found


def hidden_in(value: Any, name: str | None = "") -> Iterator[str]:
    """The texts of a value that are secret by the names around them, those of this project and of Airflow; all of them
    where there is no name."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from hidden_in(one, name if name is None or is_secret_name(name) else str(key))
    elif isinstance(value, list):
        for one in value:
            yield from hidden_in(one, name)
    elif isinstance(value, str) and value and (name is None or is_secret_name(name)):
        yield value
        scheme, _, proof = value.partition(" ")  # `Bearer …`
        if proof and scheme.isalpha() and " " not in proof:
            yield proof


def is_secret_name(name: str) -> bool:
    """`api_key`, `accessToken` and `Authorization`, but not `page`."""
    return names_secret(name) or bool(should_hide_value_for_key(name))  # type: ignore[no-untyped-call] # Airflow's


def unreadable(conn_id: str) -> str:
    """What is wrong with a connection that `parsed` does not take."""
    return (
        f"connection `{conn_id}` is defined, but cannot be read: percent-encode its login and password"
        " (`/` as %2F, `#` as %23) of the URI `TYPE://…`, or write it as JSON"
    )


class KeptError(Exception):
    """Why the database cannot be read or written, in one line."""


class Kept:
    """What the Airflow of `make run` keeps: its SQLite database, and the key that its secrets are encrypted with.

    The database is read as a file, without Airflow: its tables are those of Airflow 3.3. Only `commit` writes.
    """

    def __init__(self, database: Path, fernet_key: str) -> None:
        self._database = database
        self._key = fernet_key

    def connection(self, conn_id: str) -> str | None:
        """A connection as JSON. Raises KeptError."""
        columns = ", ".join((*_PARTS, "is_encrypted", "is_extra_encrypted"))
        row = self._row(f"SELECT {columns} FROM connection WHERE conn_id = ?", conn_id)  # noqa: S608 # constants
        if row is None:
            return None
        found = dict(zip(_PARTS, row, strict=False))
        *_, password_is_secret, extra_is_secret = row
        for name, is_secret in (("password", password_is_secret), ("extra", extra_is_secret)):
            if is_secret and found[name]:
                found[name] = self._decrypted(found[name])
        return json.dumps({name: value for name, value in found.items() if value is not None})

    def variable(self, key: str) -> str | None:
        """The value of a variable. Raises KeptError."""
        row = self._row("SELECT val, is_encrypted FROM variable WHERE key = ?", key)
        if row is None:
            return None
        value, is_secret = row
        return self._decrypted(value) if is_secret and value else value

    def state(self, asset: str, key: str) -> str | None:
        """What is kept in an asset's store, as JSON, by the asset's name or URI. Raises KeptError."""
        row = self._row(
            "SELECT value FROM asset_state_store JOIN asset ON asset.id = asset_id"
            " WHERE (name = ? OR uri = ?) AND key = ?",
            asset, asset, key,
        )  # fmt: skip
        return None if row is None else row[0]

    def commit(self, states: Mapping[tuple[str, str], Any]) -> None:
        """Keep values in assets' stores, by the asset's name or URI and key: all, or none. Raises KeptError."""
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        try:
            with closing(sqlite3.connect(self._database, timeout=_BUSY_SECONDS)) as database, database:
                for (asset, key), value in states.items():
                    found = database.execute(
                        "SELECT id FROM asset WHERE name = ? OR uri = ?", (asset, asset)
                    ).fetchone()
                    if found is None:
                        raise KeptError(
                            f"this Airflow does not know the asset `{asset}` yet: `make run` with this pipeline first"
                        )
                    database.execute(
                        "INSERT INTO asset_state_store (asset_id, key, value, updated_at) VALUES (?, ?, ?, ?)"
                        " ON CONFLICT (asset_id, key)"
                        " DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
                        (found[0], key, json.dumps(value), now),
                    )
        except sqlite3.Error as error:
            raise self._unusable(error) from None

    def _row(self, query: str, *values: str) -> tuple[Any, ...] | None:
        with ExitStack() as stack:
            database, way = self._database, "immutable=1"
            log, index = (database.with_name(f"{database.name}-{end}") for end in ("wal", "shm"))
            # Without a write-ahead log nobody has it open; SQLite would make one beside it, even to read.
            if log.exists() and index.exists():
                way = "mode=ro"
            elif log.exists():  # left by a process that was killed: SQLite would make an index of it, even to read
                copies = Path(stack.enter_context(TemporaryDirectory(prefix="factory-kept-")))
                way = "mode=rwc"
                for file in (log, database):
                    database = copies / file.name
                    shutil.copyfile(file, database)
            try:
                opened = stack.enter_context(closing(sqlite3.connect(f"{database.resolve().as_uri()}?{way}", uri=True)))
                found: tuple[Any, ...] | None = opened.execute(query, values).fetchone()
            except sqlite3.Error as error:
                raise self._unusable(error) from None
        return found

    def _decrypted(self, value: str) -> str:
        from cryptography.fernet import Fernet, InvalidToken  # noqa: PLC0415 # few trials need it

        try:
            return Fernet(self._key.encode()).decrypt(value.encode()).decode()
        except (InvalidToken, ValueError):
            raise KeptError(
                f"the key of {self._database.parent} does not decrypt what is in {self._database}"
            ) from None

    def _unusable(self, error: sqlite3.Error) -> KeptError:
        return KeptError(f"the database {self._database} cannot be used: {error}")


@dataclass(frozen=True)
class TaskResult:
    """How one instance of a task ended. `map_index` is -1 where it is not mapped; `output` is what it returned."""

    task_id: str
    map_index: int
    state: str
    seconds: float = 0.0
    output: Any = None
    error: BaseException | None = None

    @property
    def name(self) -> str:
        """`load`, or `load[2]` for an instance of a mapped task."""
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"


@dataclass
class Memory:
    """One run. `connections` are URIs or JSON by id, beside those of `AIRFLOW_CONN_…`.

    `xcoms` are by task id, key and map index, which is -1 for a task that is not mapped; their values are as Airflow
    stores them. `asset_states` are by an asset's name or URI, and key; `moved` are those that the run wrote. What is
    not here is looked up in `kept`, which is not changed.
    """

    connections: Mapping[str, str] = field(default_factory=dict, repr=False)
    variables: dict[str, str] = field(default_factory=dict)
    xcoms: dict[tuple[str, str], dict[int, Any]] = field(default_factory=dict)
    task_states: dict[tuple[str, str], Any] = field(default_factory=dict)
    asset_states: dict[tuple[str, str], Any] = field(default_factory=dict)
    moved: dict[tuple[str, str], Any] = field(default_factory=dict)
    kept: Kept | None = None
    shell: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    """Environment variables, for `AIRFLOW_CONN_…` and `AIRFLOW_VAR_…`."""
    stays_here: bool = False
    """Whether drivers that do not connect by Python must not leave this machine."""
    not_started: list[str] = field(default_factory=list)
    """DAGs that tasks would have triggered: a trial starts no other DAG."""
    secrets: set[str] = field(default_factory=set, repr=False)
    """What tasks were told that nobody else may know: passwords, variables with the name of a secret."""
    missing: set[str] = field(default_factory=set)
    """What tasks asked for that is nowhere, each with where it could be."""
    counts: dict[str, int] = field(default_factory=dict)
    """How many instances each task has, once that is known."""
    borrowed: dict[str, dict[str, str]] = field(
        default_factory=lambda: {"connections": {}, "variables": {}}, repr=False
    )
    """What tasks were told that is not of the run itself, but of the shell or of `kept`."""

    def connection(self, conn_id: str) -> str | None:
        """The URI or JSON of a connection."""
        if found := self.connections.get(conn_id):
            return found
        found = self.shell.get(f"AIRFLOW_CONN_{conn_id.upper()}")
        found = found or (self.kept.connection(conn_id) if self.kept is not None else None)
        if found:
            self.borrowed["connections"][conn_id] = found
        else:
            self.missing.add(
                f"not found: connection `{conn_id}`: --conn {conn_id}=URI, or AIRFLOW_CONN_{conn_id.upper()}"
            )
        return found

    def variable(self, key: str) -> str | None:
        """The value of a variable, as text."""
        found = self.variables.get(key, self.shell.get(f"AIRFLOW_VAR_{key.upper()}"))
        value = self.kept.variable(key) if found is None and self.kept is not None else found
        if value and is_secret_name(key):
            self.secrets.add(value)
        if value is None:
            self.missing.add(f"not found: variable `{key}`: AIRFLOW_VAR_{key.upper()}")
        elif key not in self.variables:
            self.borrowed["variables"][key] = value
        return value

    def hidden(self, value: Any) -> Any:
        """A value to be shown: stars in place of the secrets in its texts, also as URLs write them."""
        if isinstance(value, dict):
            return {self.hidden(key): self.hidden(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.hidden(one) for one in value]
        if isinstance(value, str):
            return without(value, self.secrets, "***")
        return value

    def asset_state(self, asset: str, key: str) -> Any:
        """What is in an asset's store, by its name or URI. Raises KeyError where nothing is."""
        if (asset, key) in self.asset_states or self.kept is None:
            return self.asset_states[asset, key]
        found = self.kept.state(asset, key)
        if found is None:
            raise KeyError(key)
        return json.loads(found)

    def output(self, task_id: str) -> Any:
        """What a task returned, as stored; a list for a mapped one; None where it returned nothing."""
        found = self.xcoms.get((task_id, RETURN_VALUE), {})
        return found.get(-1) if set(found) <= {-1} else [value for _, value in sorted(found.items())]
