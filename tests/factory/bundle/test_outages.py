"""A store, a disk or a mount that fails for a while: what is shown is always a whole version, and the next refresh
brings what was missed."""

from __future__ import annotations

import json
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from factory.bundle import archives, cleanup
from factory.bundle import fetched as fetched_versions
from factory.bundle import store as bundle_store
from factory.bundle.archives import ArchiveStore
from factory.bundle.records import Manifest, read_state, token_of
from factory.bundle.source import FolderUnavailableError
from factory.bundle.store import BundleError, Store, StoreError

from .bundles import Bench, SmallBundle, contents, version_of


def shown(bench: Bench) -> tuple[bytes, bytes]:
    """The pipeline in `current/`, and in the version that Airflow is told of."""
    version = read_state(bench.base).version
    assert version is not None
    snapshot = Store(bench.base).snapshot_path(version)
    return (bench.current / "orders.yaml").read_bytes(), (snapshot / "orders.yaml").read_bytes()


@pytest.fixture
def kept(bench: Bench, tmp_path: Path) -> SmallBundle:
    """A bundle with a store, in its second version."""
    bundle = bench.bundle(store=f"file://{tmp_path}/store")
    for text in ("one", "two"):
        bench.write("orders.yaml", text)
        bundle.refresh()
    return bundle


def test_a_revert_is_not_shown_while_the_store_is_down(kept: SmallBundle, bench: Bench, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.rename(tmp_path / "gone")
    store.write_text("a file in its place")
    bench.write("orders.yaml", "one")
    for _ in range(2):
        with pytest.raises(StoreError):
            kept.refresh()
        assert shown(bench) == (b"two", b"two")
    store.unlink()
    (tmp_path / "gone").rename(store)
    kept.refresh()

    assert shown(bench) == (b"one", b"one")
    assert kept.archives is not None
    assert ArchiveStore(f"file://{store}").current() == version_of(kept)


@pytest.mark.parametrize(
    ("owner", "method", "error"),
    [
        (ArchiveStore, "set_current", StoreError("it does not answer")),
        (ArchiveStore, "set_state", StoreError("it does not answer")),
        (ArchiveStore, "put", StoreError("it does not answer")),
        (Store, "publish", OSError(28, "No space left on device")),
        (Store, "replace", OSError(28, "No space left on device")),
    ],
)
def test_one_failure_delays_an_edit_by_one_refresh(
    owner: type, method: str, error: Exception, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where only events say that there is something to read."""
    monkeypatch.setattr("factory.bundle.pipeline_bundle._in_server", lambda: True)
    monkeypatch.setattr("factory.bundle.registry.database_of", lambda *_: None)
    monkeypatch.setattr("factory.bundle.cleanup.Upkeep.pass_by", lambda *_: None)
    bundle = bench.bundle(store=f"file://{tmp_path}/store")
    bench.write("orders.yaml", "one")
    bundle.refresh()
    until = time.monotonic() + 120
    while not bundle._refresher.events.is_pending():  # type: ignore[union-attr] # a server has events
        assert time.monotonic() < until
        time.sleep(0.02)
    bundle.refresh()
    bench.write("orders.yaml", "two")
    while not bundle._refresher.events.is_pending():  # type: ignore[union-attr] # as above
        assert time.monotonic() < until
        time.sleep(0.02)
    with monkeypatch.context() as once:

        def fails(*_: object, **__: object) -> None:
            raise error

        once.setattr(owner, method, fails)
        with pytest.raises(BundleError) as raised:
            bundle.refresh()
    if isinstance(error, OSError):
        said = f"the storage {bench.base} cannot be written: {error.strerror}; pipelines stay as they are until it can"
        assert str(raised.value) == f"bundle {bundle.name}: {said}"
    assert shown(bench) == (b"one", b"one")
    bundle.refresh()

    assert shown(bench) == (b"two", b"two")


def test_a_new_disk_and_an_empty_folder_take_no_dag_away(kept: SmallBundle, bench: Bench, tmp_path: Path) -> None:
    current = version_of(kept)
    shutil.rmtree(bench.base)
    (bench.folder / "orders.yaml").unlink()
    bench.empty_seconds = 300.0
    bundle = bench.bundle(store=f"file://{tmp_path}/store")
    for _ in range(2):
        with pytest.raises(FolderUnavailableError, match="has no pipeline any more"):
            bundle.refresh()
    assert bundle.get_current_version() is None
    assert ArchiveStore(f"file://{tmp_path}/store").current() == current
    assert json.loads((tmp_path / "store" / "state.json").read_text())["owners"]

    bench.write("orders.yaml", "three")
    bundle.refresh()
    assert shown(bench) == (b"three", b"three")


@pytest.mark.usefixtures("kept")
def test_a_new_disk_and_an_empty_folder_after_the_wait(bench: Bench, tmp_path: Path) -> None:
    shutil.rmtree(bench.base)
    (bench.folder / "orders.yaml").unlink()
    bench.empty_seconds = 0.2
    bundle = bench.bundle(store=f"file://{tmp_path}/store")
    with pytest.raises(FolderUnavailableError):
        bundle.refresh()
    time.sleep(0.3)
    bundle.refresh()

    assert "orders.yaml" not in contents(bundle.path)


TIMEOUT = 5.0
"""Seconds: long enough for a busy machine, and shorter than four tasks wait for each other at a slow store."""


def fetching(bench: Bench, versions: list[str], store: str) -> dict[str, str]:
    """What tasks say that ask for versions at once on a host of their own: empty where they got it."""
    said: dict[str, str] = {}

    def ask(version: str) -> None:
        try:
            bench.beside("worker").bundle(version, store=store, store_timeout=TIMEOUT).initialize()
        except BundleError as error:
            said[version] = str(error)
        else:
            said[version] = ""

    threads = [threading.Thread(target=ask, args=(version,)) for version in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


@pytest.mark.parametrize("seconds", [TIMEOUT / 3, 30.0], ids=["slow", "down"])
def test_tasks_that_wait_for_a_slow_store_all_get_their_version(
    seconds: float, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And of one that is down only the first waits."""
    store = f"file://{tmp_path}/store"
    versions = []
    bundle = bench.bundle(store=store)
    for number in range(4):
        bench.write("orders.yaml", f"{number}")
        bundle.refresh()
        versions.append(version_of(bundle))
    asked: list[str] = []
    real = ArchiveStore._bounded

    def slow(self: ArchiveStore, what: str, ask: Any) -> Any:
        def asks() -> Any:
            asked.append(what)
            time.sleep(seconds)
            return ask()

        return real(self, what, asks)

    monkeypatch.setattr(ArchiveStore, "_bounded", slow)
    said = fetching(bench, versions, store)
    if seconds < TIMEOUT:
        assert said == dict.fromkeys(versions, "")
        assert len(asked) == 4
    else:
        assert all("did not answer within" in text for text in said.values())
        assert len(asked) == 1


@pytest.mark.parametrize("damage", ["removed", "altered"])
def test_clean_up_puts_back_what_the_store_lost(damage: str, kept: SmallBundle, bench: Bench, tmp_path: Path) -> None:
    for path in (tmp_path / "store").iterdir():
        if damage == "removed":
            path.unlink()
        elif path.stem == version_of(kept):
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 255
            path.write_bytes(data)
    assert kept.archives is not None
    own = Store(bench.base)
    cleanup.ArchiveCleanUp(kept.archives).settle(own.versions().keys(), version_of(kept), own)
    for version in own.versions():
        bench.beside("worker").bundle(version, store=f"file://{tmp_path}/store").initialize()

    assert ArchiveStore(f"file://{tmp_path}/store").current() == version_of(kept)


def test_a_full_disk_of_a_worker_is_left_as_it_was(
    kept: SmallBundle, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = bench.beside("worker")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(bundle_store, "write_file", full)
        with pytest.raises(BundleError, match="No space left"):
            worker.bundle(version_of(kept), store=f"file://{tmp_path}/store").initialize()

    assert list((worker.base / "building").iterdir()) == []


def test_a_store_takes_no_more_than_it_can_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_BYTES", 1000)
    for size in range(800, 1001):
        data = bytes(size)
        manifest = Manifest({"a": token_of(data, False)})
        try:
            archive = archives.packed(manifest, lambda _, data=data: data)  # type: ignore[misc] # bound in the loop
        except StoreError:
            break
        assert archives.unpacked(archive, manifest.version)["a"] == (data, False)
    else:
        pytest.fail("nothing was refused")


def test_keys_in_the_url_of_a_store_are_refused_and_not_shown(bench: Bench) -> None:
    with pytest.raises(BundleError, match="name an Airflow connection") as refused:
        bench.bundle(store="s3://AKIA123:Secret/456@bucket/prefix")
    assert "Secret" not in str(refused.value)


def test_a_store_of_another_installation_is_warned_of(
    kept: SmallBundle, bench: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert kept.archives is not None
    other = tmp_path / "other"
    other.mkdir()
    (other / "orders.yaml").write_text("one")
    bench.beside("staging").bundle(folder=str(other), store=kept.archives.url).refresh()

    assert f"was written for {bench.folder}, and this is {other}" in caplog.text


@pytest.mark.parametrize("damage", ["empty", "missing", "none"])
def test_a_power_cut_leaves_no_fetched_version_with_empty_files(
    damage: str, kept: SmallBundle, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine was started since: what was not brought to the disk is fetched again, what was whole is not."""
    worker = bench.beside("worker")
    store = f"file://{tmp_path}/store"
    version = version_of(kept)
    fetched = worker.bundle(version, store=store)
    fetched.initialize()
    file = fetched.path / "orders.yaml"
    whole = contents(fetched.path)
    (fetched.path / "made.txt").write_bytes(b"by a task")
    if damage == "missing":
        file.unlink()
    elif damage == "empty":
        file.chmod(0o644)
        file.write_bytes(b"")
    (tmp_path / "store").rename(tmp_path / "gone")
    worker.bundle(version, store=store).initialize()
    monkeypatch.setattr(fetched_versions, "boot_id", lambda: "another start")
    if damage != "none":
        with pytest.raises(BundleError, match="not available"):
            worker.bundle(version, store=store).initialize()
        (tmp_path / "gone").rename(tmp_path / "store")
    for _ in range(2):
        again = worker.bundle(version, store=store)
        again.initialize()
        assert contents(again.path).items() >= whole.items()
