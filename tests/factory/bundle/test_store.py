"""The store keeps each content once, rebuilds versions, and says when it cannot."""

from __future__ import annotations

import resource
import shutil
import signal
from pathlib import Path

import pytest

from factory.bundle.records import Manifest
from factory.bundle.store import Store, StoreError

from .bundles import contents


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def saved(store: Store, **files: bytes) -> Manifest:
    manifest = Manifest({f"folder/{name}": store.add(data) for name, data in files.items()})
    store.save_manifest(manifest)
    return manifest


def test_equal_contents_are_one_file_and_snapshots_are_links(store: Store) -> None:
    manifest = saved(store, a=b"same", b=b"same")
    assert len(list(store.object_tokens())) == 1
    store.rebuild(manifest.version)
    snapshot = store.snapshot_path(manifest.version)
    assert contents(snapshot) == {"folder/a": b"same", "folder/b": b"same"}
    assert (snapshot / "folder/a").stat().st_nlink == 3


def test_executables_stay_executable(store: Store) -> None:
    manifest = Manifest({"run.sh": store.add(b"#!", executable=True), "plain": store.add(b"#!")})
    store.save_manifest(manifest)
    store.rebuild(manifest.version)
    snapshot = store.snapshot_path(manifest.version)
    assert (snapshot / "run.sh").stat().st_mode & 0o111
    assert not (snapshot / "plain").stat().st_mode & 0o111


@pytest.mark.parametrize("version", ["0" * 40, "../../etc", ""])
def test_an_unknown_version_is_an_error(store: Store, version: str) -> None:
    assert not store.has_snapshot(version)
    with pytest.raises(StoreError):
        store.rebuild(version)


def test_a_damaged_or_missing_content_is_an_error_until_it_is_added_again(store: Store) -> None:
    manifest = saved(store, a=b"text")
    path = store.object_path(manifest.files["folder/a"])
    path.chmod(0o644)
    path.write_bytes(b"other")
    with pytest.raises(StoreError, match="damaged"):
        store.rebuild(manifest.version)
    path.unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        store.rebuild(manifest.version)
    assert not store.has_snapshot(manifest.version)
    store.forget()
    store.add(b"text")
    store.rebuild(manifest.version)
    assert contents(store.snapshot_path(manifest.version)) == {"folder/a": b"text"}


def test_a_damaged_manifest_is_an_error(store: Store) -> None:
    manifest = saved(store, a=b"text")
    for text in (b"", b"[]", b'{"files": {"a": "0"}}'):
        (store.root / "manifests" / manifest.version).write_bytes(text)
        with pytest.raises(StoreError, match="manifest is damaged"):
            store.rebuild(manifest.version)


def test_removing_a_version_leaves_the_others_whole(store: Store) -> None:
    one, two = saved(store, a=b"1", b=b"both"), saved(store, a=b"2", b=b"both")
    for manifest in (one, two):
        store.rebuild(manifest.version)
    store.remove_version(one.version)
    assert list(store.versions()) == [two.version]
    assert not store.has_snapshot(one.version)
    shutil.rmtree(store.snapshot_path(two.version))
    store.rebuild(two.version)
    assert contents(store.snapshot_path(two.version)) == {"folder/a": b"2", "folder/b": b"both"}


def test_what_does_not_fit_on_a_disk_takes_no_place(store: Store) -> None:
    before, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))
    try:
        with pytest.raises((OSError, StoreError), match="File too large"):
            store.new_file(b"x" * 100_000, 0o644)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert list(store.building.iterdir()) == []
