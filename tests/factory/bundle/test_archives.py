"""Versions on object storage: what a worker without the dag-processor's disk gets, and what it says when it cannot."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from factory.bundle import cleanup
from factory.bundle.archives import ArchiveStore, DamagedArchiveError, packed, unpacked
from factory.bundle.records import Manifest, token_of
from factory.bundle.store import BundleError, Store, StoreError

from .bundles import Bench, contents, version_of
from .s3 import STORE, connection, running_s3

FILES = {
    "a.yaml": (b"schedule: null\n", False),
    "bin/run.sh": (b"true\n", True),
    "copy.yaml": (b"schedule: null\n", False),
}
MANIFEST = Manifest({path: token_of(*content) for path, content in FILES.items()})
CONTENTS = {token_of(*content): content[0] for content in FILES.values()}


def archive() -> bytes:
    return packed(MANIFEST, CONTENTS.__getitem__)


def altered(change: Any) -> bytes:
    """The archive with another head; what follows it is as it was."""
    head, _, rest = zlib.decompress(archive(), wbits=31).partition(b"\n")
    compressor = zlib.compressobj(wbits=31)
    text = json.dumps(change(json.loads(head))).encode() + b"\n" + rest
    return compressor.compress(text) + compressor.flush()


def test_an_archive_gives_back_what_it_was_made_of() -> None:
    assert archive() == archive()
    assert unpacked(archive(), MANIFEST.version) == FILES


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"not gzip",
        archive()[:-20],
        archive()[:30] + bytes([archive()[30] ^ 255]) + archive()[31:],
        altered(lambda head: {"files": {**head["files"], "../out.yaml": head["files"]["a.yaml"]}}),
        altered(lambda head: {"files": {"a.yaml": head["files"]["a.yaml"]}}),
        altered(lambda _: {"files": {"a.yaml": 3}}),
        altered(lambda _: []),
    ],
)
def test_a_damaged_archive_is_never_unpacked(damaged: bytes) -> None:
    with pytest.raises(DamagedArchiveError):
        unpacked(damaged, MANIFEST.version)


@pytest.mark.parametrize("path", ["../out.yaml", "/etc/out.yaml", "a/../../out.yaml"])
def test_a_path_outside_is_refused_even_with_the_right_hash(path: str) -> None:
    token = token_of(b"x", False)
    manifest = Manifest({path: token})
    with pytest.raises(DamagedArchiveError, match="a path outside of its folder"):
        unpacked(packed(manifest, lambda _: b"x"), manifest.version)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with running_s3() as url:
        yield url


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "folder":
        return f"file://{tmp_path}/store"
    url = request.getfixturevalue("s3")
    for name, value in connection(url).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("airflow.sdk.io.store._STORE_CACHE", {})
    return f"{STORE}/{tmp_path.name}"


@pytest.fixture
def published(bench: Bench, store: str) -> str:
    """A version in the store, made by a dag-processor whose disk nobody else sees."""
    bench.write("team/orders.yaml", "uses: shop")
    bench.write("shop.py", "")
    bundle = bench.bundle(store=store)
    bundle.refresh()
    version = version_of(bundle)
    shutil.copytree(bench.current, bench.folder.parent / "expected")
    shutil.rmtree(bench.base)
    return version


def test_a_worker_gets_a_version_from_the_store(bench: Bench, store: str, published: str) -> None:
    bundle = bench.bundle(published, store=store)
    bundle.initialize()

    assert contents(bundle.path) == contents(bench.folder.parent / "expected")
    assert ArchiveStore(store).state().owners == {"team/orders.yaml": "team/orders.yaml"}
    assert not any(path.is_symlink() for path in bundle.path.rglob("*"))


def test_tasks_that_start_together_fetch_once(
    bench: Bench, store: str, published: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []
    real = ArchiveStore.fetch

    def counted(self: ArchiveStore, version: str, *noted: Any) -> Any:
        fetched.append(version)
        time.sleep(0.2)
        return real(self, version, *noted)

    monkeypatch.setattr(ArchiveStore, "fetch", counted)
    bundles = [bench.bundle(published, store=store) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda bundle: bundle.initialize(), bundles))

    assert fetched == [published]


def test_an_unpinned_task_takes_the_current_version(
    bench: Bench, store: str, published: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "client")
    shutil.rmtree(bench.folder)
    bundle = bench.bundle(store=store)
    bundle.initialize()

    assert bundle.path.name == published
    assert contents(bundle.path) == contents(bench.folder.parent / "expected")


def test_a_version_that_the_store_does_not_have_is_named(bench: Bench, store: str, published: str) -> None:
    with pytest.raises(BundleError, match="there is no such object") as caught:
        bench.bundle("0" * 40, store=store).initialize()

    assert f"version {'0' * 40}" in str(caught.value)
    assert store in str(caught.value)
    assert published not in str(caught.value)


def test_a_damaged_object_is_named_and_replaced_by_the_dag_processor(bench: Bench, store: str, published: str) -> None:
    from airflow.sdk import ObjectStoragePath  # noqa: PLC0415 # after the connection is set

    path = ObjectStoragePath(f"{store}/{published}.gz")
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    with pytest.raises(BundleError, match=f"the archive {store}/{published}.gz is damaged"):
        bench.bundle(published, store=store).initialize()
    assert not (bench.base / "snapshots").exists()

    bench.bundle(store=store).refresh()
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("answers", "reason"), [(False, ""), (True, r"did not answer within \d+ seconds")], ids=["unreachable", "slow"]
)
def test_a_store_that_does_not_answer_is_named(
    answers: bool, reason: str, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if not answers:
            listener.close()
        for name, value in connection(f"http://127.0.0.1:{port}").items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("airflow.sdk.io.store._STORE_CACHE", {})
        with pytest.raises(BundleError, match=rf"version 0{{40}} is not available: the store s3://.*{reason}"):
            bench.bundle("0" * 40, store=STORE, store_timeout=3).initialize()


def test_an_edit_is_not_shown_before_its_version_is_in_the_store(bench: Bench, tmp_path: Path) -> None:
    store = tmp_path / "store"
    bench.write("orders.yaml", "one")
    bundle = bench.bundle(store=f"file://{store}")
    bundle.refresh()
    first = version_of(bundle)
    bench.write("orders.yaml", "two")
    store.rename(tmp_path / "gone")
    store.write_text("a file in its place")
    with pytest.raises(StoreError, match=f"the store file://{store}"):
        bundle.refresh()
    assert version_of(bundle) == first

    store.unlink()
    (tmp_path / "gone").rename(store)
    bundle.refresh()
    assert version_of(bundle) != first
    assert (store / f"{version_of(bundle)}.gz").is_file()


def test_archives_that_nobody_names_go_after_the_grace_period(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    archives = ArchiveStore(store)
    archives.put(MANIFEST, CONTENTS.__getitem__)
    archives.set_current(MANIFEST.version)
    clean_up = cleanup.ArchiveCleanUp(archives)
    own = Store(Path("no store of this host's own"))
    assert clean_up.settle([None], None, own) == 0
    monkeypatch.setattr(cleanup, "MIN_AGE_SECONDS", 0.0)
    assert clean_up.settle([f"{'a' * 40}.{MANIFEST.version}"], None, own) == 0
    assert clean_up.settle([None], None, own) == 1
    assert archives.versions() == set()
    assert archives.current() == MANIFEST.version


def test_a_worker_keeps_few_snapshots(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = f"file://{tmp_path}/store"
    versions = []
    for number in range(4):
        bench.write("orders.yaml", f"{number}")
        bundle = bench.bundle(store=store)
        bundle.refresh()
        versions.append(version_of(bundle))
    shutil.rmtree(bench.base)
    monkeypatch.setattr(cleanup, "MAX_FETCHED", 2)
    monkeypatch.setattr(cleanup, "MIN_AGE_SECONDS", -1.0)
    for version in versions:
        bench.bundle(version, store=store).initialize()

    assert {path.name for path in (bench.base / "snapshots").iterdir()} == set(versions[-2:])


def test_a_worker_without_the_provider_is_told_what_to_install(bench: Bench) -> None:
    code = (
        "import sys; sys.modules['s3fs'] = None\n"
        "from factory.bundle import PipelineBundle\n"
        f"PipelineBundle(name='p', version={'0' * 40!r}, store={STORE!r}).initialize()"
    )
    environment = {
        **connection("http://127.0.0.1:1"),
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(bench.storage),
    }
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)

    assert "install apache-airflow-providers-amazon[s3fs]" in found.stderr.splitlines()[-1]


def test_readers_of_a_folder_never_find_half_an_archive(tmp_path: Path) -> None:
    archives = ArchiveStore(f"file://{tmp_path}/store")
    done = threading.Event()
    found: list[int] = []

    def read() -> None:
        while not done.is_set():
            found.extend(file.stat().st_size for file in (tmp_path / "store").glob("*.gz"))

    (tmp_path / "store").mkdir()
    reader = threading.Thread(target=read)
    reader.start()
    archives.put(Manifest({"a": token_of(big := os.urandom(2**24), False)}), lambda _: big)
    done.set()
    reader.join()
    assert len(set(found)) <= 1
