"""What is a test's own: its folder with files in it, databases with tables, and certificates for any host."""

from __future__ import annotations

import json
import shutil
import sqlite3
import ssl
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from factory.data.row_files import RowFileWriter, plain_rows, read_rows
from factory.trial.memory import parsed, unreadable
from schemas.findings.paths import DataPath
from schemas.model.pipeline_tests import ROW_FILES, FileFixture, PipelineTest, TableFixture

FOLDER_VARIABLE = "TEST_FOLDER"


class UnusableError(Exception):
    """What a test gives cannot be used: where it is in the test, and why."""

    def __init__(self, path: DataPath, text: str) -> None:
        super().__init__(text)
        self.path = path


def first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"


class Place:
    """The folder of a test file, `base`, and the test's own folder, `files`, in which its tasks run."""

    def __init__(self, base: Path, files: Path) -> None:
        self.base = base
        self.files = files
        files.mkdir()

    def fill(self, test: PipelineTest) -> None:
        """Write the files that the test gives. Raises UnusableError."""
        for name, given in test.given.files.items():
            path = self.files / name
            if not path.resolve().is_relative_to(self.files.resolve()):
                raise UnusableError(("given", "files", name), "a file of a test must stay in the test's own folder")
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(given, str):
                path.write_text(given, encoding="utf-8")
            elif isinstance(given, FileFixture):
                shutil.copyfile(self.base / given.file, path)
            else:
                try:
                    with RowFileWriter(str(path)) as file:
                        file.write(given)
                except Exception as error:
                    # What a format says of rows that it does not take is the test's answer.
                    raise UnusableError(("given", "files", name), first_line(error)) from error

    def expanded(self, value: Any) -> Any:
        """With the test's own folder in place of its variable."""
        if isinstance(value, str):
            return value.replace(f"${{env.{FOLDER_VARIABLE}}}", str(self.files))
        if isinstance(value, Mapping):
            return {name: self.expanded(one) for name, one in value.items()}
        return [self.expanded(one) for one in value] if isinstance(value, list) else value

    def rows(self, written: Any) -> list[Any]:
        """Rows, or those of a file beside the test."""
        return list(read_rows(str(self.base / written))) if isinstance(written, str) else list(written)

    def value(self, written: Any) -> Any:
        """A task's output: a text that names a file of rows beside the test stands for these rows."""
        is_file = isinstance(written, str) and written.endswith(ROW_FILES) and (self.base / written).is_file()
        return self.rows(written) if is_file else self.expanded(written)


def tables_of(test: PipelineTest, place: Place) -> Tables:
    """Those that the test gives. Raises UnusableError, also for connections that cannot be read."""
    own = {name: kind for name, kind in test.given.connections.items() if kind in KINDS}
    tables = Tables(place.files.parent, [*test.given.tables, *test.expect.tables], own)
    for name, given in test.given.tables.items():
        columns = given.columns if isinstance(given, TableFixture) else ()
        rows = place.rows(given.rows if isinstance(given, TableFixture) else given)
        try:
            tables.fill(name, columns, rows)
        except Exception as error:
            # What a database says of rows, or of the type of a column, is the test's answer.
            text = str(error) if isinstance(error, GivenError) else first_line(error)
            raise UnusableError(("given", "tables", name), text) from error
    for name, written in test.given.connections.items():
        if written in KINDS:
            continue
        try:
            parsed(written, name)
        except Exception:
            # Its text may show the password.
            raise UnusableError(("given", "connections", name), unreadable(name)) from None
    return tables


Row = Mapping[str, Any]
KINDS = ("sqlite", "duckdb")


class GivenError(Exception):
    """What a test gives cannot be used."""


class Tables:
    """Files below a folder, one for each connection that tables are given for or expected in.

    `kinds` are the databases of connections by id, where they are not SQLite.
    """

    def __init__(self, folder: Path, names: Iterable[str], kinds: Mapping[str, str]) -> None:
        self._folder = folder
        self._kinds = {**{split(name)[0]: "sqlite" for name in names}, **kinds}
        self.connections = {
            conn: json.dumps({"conn_type": kind, "host": str(self._file(conn))}) for conn, kind in self._kinds.items()
        }

    def fill(self, name: str, columns: Sequence[str] | Mapping[str, str], rows: Sequence[Row]) -> None:
        """Make a table with these columns, or those that the rows have, and the rows."""
        conn, table = split(name)
        if "." in table and self._kinds[conn] != "duckdb":
            raise GivenError(
                f"SQLite has no schemas: write `{conn}.{table.rpartition('.')[2]}`,"
                f" or `given.connections: {{{conn}: duckdb}}`"
            )
        types = {column: _TYPES.get(type(value), "") for row in reversed(rows) for column, value in row.items()}
        types |= columns if isinstance(columns, Mapping) else {column: types.get(column, "") for column in columns}
        untyped = "VARCHAR" if self._kinds[conn] == "duckdb" else ""
        declared = [f"{_quoted(column)} {kind or untyped}" for column, kind in types.items()]
        with closing(self._opened(conn)) as database:
            cursor = database.cursor()
            if "." in table:
                cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted(table.partition('.')[0])}")
            cursor.execute(f"CREATE TABLE {_path(table)} ({', '.join(declared) or '_'})")
            marks = ", ".join("?" * len(types))
            values = [[_stored(row.get(column)) for column in types] for row in rows]
            if values:
                cursor.executemany(f"INSERT INTO {_path(table)} VALUES ({marks})", values)  # noqa: S608 # quoted
            database.commit()

    def rows(self, name: str) -> list[dict[str, Any]] | None:
        """The rows of a table; None where there is no such table."""
        conn, table = split(name)
        with closing(self._opened(conn)) as database:
            cursor = database.cursor()
            try:
                cursor.execute(f"SELECT * FROM {_path(table)}")  # noqa: S608 # quoted
            except Exception as error:
                if "no such table" in str(error) or "does not exist" in str(error):
                    return None
                raise
            names = [column[0] for column in cursor.description]
            return list(plain_rows(dict(zip(names, row, strict=True)) for row in cursor.fetchall()))

    def _opened(self, conn: str) -> Any:
        if self._kinds[conn] == "duckdb":
            import duckdb  # noqa: PLC0415 # an extra

            return duckdb.connect(str(self._file(conn)))
        return sqlite3.connect(self._file(conn))

    def _file(self, conn: str) -> Path:
        return self._folder / f"{conn}.{'duckdb' if self._kinds[conn] == 'duckdb' else 'db'}"


_TYPES: Mapping[type, str] = MappingProxyType({bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "TEXT"})


def split(name: str) -> tuple[str, str]:
    """`warehouse.orders` → its connection and its table."""
    conn, _, table = name.partition(".")
    return conn, table


def _path(table: str) -> str:
    return ".".join(map(_quoted, table.split(".")))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _stored(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (dict, list)) else value


_LIFETIME = timedelta(days=36500)
"""A test may set its clock to any year."""


class Authority:
    """Signs certificates of hosts; `bundle` is what clients must trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "factory test")])
        self._certificate = self._signed(self._name, self._key, x509.BasicConstraints(ca=True, path_length=None))
        self.bundle = folder / "authority.pem"
        self.bundle.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))
        self._contexts: dict[str, ssl.SSLContext] = {}

    def context(self, host: str) -> ssl.SSLContext:
        """What a server needs to answer as `host`."""
        if host not in self._contexts:
            self._contexts[host] = self._make(host)
        return self._contexts[host]

    def _make(self, host: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        certificate = self._signed(name, key, names)
        file = self._folder / f"{len(self._contexts)}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _signed(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime(2000, 1, 1, tzinfo=UTC))
            .not_valid_after(now + _LIFETIME)
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        )
        return builder.sign(self._key, hashes.SHA256())
