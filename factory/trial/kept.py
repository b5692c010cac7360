"""What the Airflow of `make run` keeps: connections, variables and what polls remember, read from its database.

The database is read as a file, without Airflow: its tables are those of Airflow 3.3 (`connection`, `variable`, `asset`,
`asset_state_store`). Only `commit` writes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

_PARTS = ("conn_type", "host", "schema", "login", "password", "port", "extra")
_BUSY_SECONDS = 10.0


class KeptError(Exception):
    """Why the database cannot be read or written, in one line."""


class Kept:
    """A SQLite database of Airflow, and the key that its secrets are encrypted with."""

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
                            f"this Airflow does not know the asset `{asset}` yet: start it with this pipeline"
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
        # Without a write-ahead log nobody has it open; SQLite would make one beside it, even to read.
        way = "mode=ro" if self._database.with_name(f"{self._database.name}-wal").exists() else "immutable=1"
        try:
            with closing(sqlite3.connect(f"{self._database.resolve().as_uri()}?{way}", uri=True)) as database:
                found: tuple[Any, ...] | None = database.execute(query, values).fetchone()
                return found
        except sqlite3.Error as error:
            raise self._unusable(error) from None

    def _decrypted(self, value: str) -> str:
        try:
            return Fernet(self._key.encode()).decrypt(value.encode()).decode()
        except (InvalidToken, ValueError):
            raise KeptError(
                f"the key of {self._database.parent} does not decrypt what is in {self._database}"
            ) from None

    def _unusable(self, error: sqlite3.Error) -> KeptError:
        return KeptError(f"the database {self._database} cannot be used: {error}")
