"""`factory try` beside the Airflow of `make run`: what that keeps is read, and moved only with `--commit`."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from airflow.sdk import Connection

from factory.local.home import Home
from factory.trial.memory import Kept, Memory, parsed, secrets_of
from schemas.compose.env_values import without
from tests.factory.cli.commands import factory
from tests.factory.http.http_server import Server

ORDERS = """
schedule: "@hourly"
poll:
  conn_id: shop
  endpoint: orders
  incremental: {cursor_path: id, start_param: since, initial_value: 0}
"""
TABLES = """
from airflow import models
models.import_all_models()
from airflow.models.asset import AssetModel
from airflow.models.asset_state_store import AssetStateStoreModel
from airflow.models.base import Base
from airflow.models import Connection, Variable
from airflow.utils.session import create_session
import sys
with create_session() as session:
    Base.metadata.create_all(session.get_bind())
    session.add(Connection("shop", uri=sys.argv[1]))
    asset = AssetModel(name="orders/poll", uri="orders/poll", group="poll", extra={})
    session.add(asset)
    session.flush()
    session.add(AssetStateStoreModel(asset_id=asset.id, key="watermark", value="7"))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    server.answers("/orders", b'[{"id": 8}]', headers={"Content-Type": "application/json"})
    yield server
    server.close()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    (folder / "pipelines").mkdir()
    (folder / "pipelines" / "orders.yaml").write_text(ORDERS.lstrip())
    home = Home(folder / ".airflow")
    home.prepare()
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home.path),
        "AIRFLOW__CORE__FERNET_KEY": home.read_keys()["fernet"],
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home.database}",
    }
    url = server.url("").replace("http://", "http://ada:hush-hush@")
    subprocess.run([sys.executable, "-c", TABLES, url], env=environment, check=True, timeout=600)
    return folder


def watermark(project: Path) -> int:
    with closing(sqlite3.connect(project / ".airflow" / "airflow.db")) as database:
        (value,) = database.execute("SELECT value FROM asset_state_store WHERE key = 'watermark'").fetchone()
    return int(json.loads(value))


def content(home: Path) -> dict[Path, str]:
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in home.rglob("*") if path.is_file()}


def test_what_a_poll_remembers_is_read_and_moved_only_when_told(project: Path, server: Server) -> None:
    before = content(project / ".airflow")

    done = factory("try", "orders", cwd=project)

    assert done.returncode == 0, done.stdout + done.stderr
    assert server.received[-1].path.endswith("/orders?since=7")
    assert "Authorization" in server.received[-1].headers
    assert "not moved, without --commit: what is remembered as orders/poll" in done.stdout
    assert "hush-hush" not in done.stdout + done.stderr
    assert content(project / ".airflow") == before

    done = factory("try", "orders", "--commit", cwd=project)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "moved: what is remembered as orders/poll" in done.stdout
    assert watermark(project) == 8


def test_without_an_airflow_nothing_can_be_moved(tmp_path: Path) -> None:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "a.yaml").write_text("tasks:\n  - {id: a, uses: empty}\n")

    done = factory("try", "a", "--commit", cwd=tmp_path)

    assert done.returncode == 2
    assert "start it once, with `make run`" in done.stderr


def test_a_log_that_was_left_is_read_and_nothing_is_made(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    with closing(sqlite3.connect(tmp_path / "airflow.db")) as database:
        database.execute("PRAGMA journal_mode = wal")
        database.execute("CREATE TABLE variable (key, val, is_encrypted)")
        database.execute("INSERT INTO variable VALUES ('country', 'KR', 0)")
        database.commit()
        for name in ("airflow.db", "airflow.db-wal"):
            shutil.copyfile(tmp_path / name, tmp_path / "home" / name)

    assert Kept(tmp_path / "home" / "airflow.db", "").variable("country") == "KR"
    assert sorted(path.name for path in (tmp_path / "home").iterdir()) == ["airflow.db", "airflow.db-wal"]


def test_a_connection_without_a_type_is_none() -> None:
    with pytest.raises(ValueError, match="a URI begins with its type"):
        parsed("nonsense", "shop")


def test_secrets_are_hidden_as_urls_and_json_write_them() -> None:
    one = 'pä"ss w@rd/1'
    texts = [one, json.dumps(one), json.dumps(one, ensure_ascii=False), quote(one), quote_plus(one)]

    assert not [text for text in Memory(secrets={one}).hidden(texts) if "rd" in text]
    key = "-----BEGIN KEY-----\nabcdefghij\n-----END KEY-----\n"
    assert Memory(secrets={key}).hidden("it is abcdefghij") == "it is ***"
    extra = {"headers": {"Authorization": "Bearer abc-123"}, "accessToken": "tok-1", "keyfile_dict": {"a": "b-1"}}
    assert secrets_of(Connection(conn_id="c", login="ada", password="hush", extra=json.dumps(extra))) == {  # noqa: S106 # of the test
        *("hush", "YWRhOmh1c2g=", "Bearer abc-123", "abc-123", "tok-1", "b-1")
    }
    assert without(f"page 1 of {quote(one)}", [one, "1"], "hidden") == "page 1 of hidden"
