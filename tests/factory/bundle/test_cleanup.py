"""What clean-up removes, and what it must keep."""

from __future__ import annotations

import fcntl
import os
import time

import pytest

from factory.bundle.cleanup import MIN_AGE_SECONDS, clean_up
from factory.bundle.store import Store, StoreError

from .bundles import NAME, Bench, contents, version_of


def three_versions(bench: Bench) -> list[str]:
    bundle = bench.bundle()
    versions = []
    for number in range(3):
        bench.write("a.yaml", f"x: {number}\n")
        bench.write("same.yaml", "x: 0\n")
        bundle.refresh()
        versions.append(version_of(bundle))
    return versions


def age(bench: Bench) -> None:
    """Make everything in the store older than the minimum age."""
    old = time.time() - 2 * MIN_AGE_SECONDS
    for part in ("manifests", "objects"):
        for path in contents(bench.base / part):
            os.utime(bench.base / part / path, (old, old))


def run(bench: Bench, *named: str, current: str) -> int:
    tracking = bench.storage / "_tracking" / NAME
    return clean_up(Store(bench.base), named, current, bench.base / "versions", tracking)


def test_only_what_nobody_names_goes(bench: Bench) -> None:
    first, second, third = three_versions(bench)
    bench.bundle(second).initialize()
    age(bench)
    files = contents(bench.bundle(first).path)
    assert run(bench, first, current=third) == 1
    store = Store(bench.base)
    assert sorted(store.versions()) == sorted([first, third])
    assert not store.has_snapshot(second)
    assert not (bench.base / "versions" / second).exists()
    referenced = {token for v in (first, third) for token in store.manifest(v).files.values()}
    assert set(store.object_tokens()) == referenced
    store.remove_version(first)
    assert contents(bench.bundle(third).path) == contents(bench.current)
    assert files


def test_a_kept_version_still_rebuilds_after_clean_up(bench: Bench) -> None:
    first, _, third = three_versions(bench)
    files = contents(bench.bundle(first).path)
    age(bench)
    run(bench, first, current=third)
    (bench.base / "snapshots").rename(bench.base / "gone")
    pinned = bench.bundle(first)
    pinned.initialize()
    assert contents(pinned.path) == files


def test_young_versions_stay(bench: Bench) -> None:
    _, _, third = three_versions(bench)
    assert run(bench, current=third) == 0
    assert len(Store(bench.base).versions()) == 3


def test_age_counts_from_when_a_version_was_last_current(bench: Bench) -> None:
    first, second, _ = three_versions(bench)
    age(bench)
    bench.write("a.yaml", "x: 0\n")
    bundle = bench.refreshed()
    bench.write("a.yaml", "x: 9\n")
    bundle.refresh()
    run(bench, current=version_of(bundle))
    kept = Store(bench.base).versions()
    assert first in kept
    assert second not in kept


def test_a_version_stays_for_a_while_after_it_was_last_named(bench: Bench) -> None:
    first, second, third = three_versions(bench)
    age(bench)
    assert run(bench, first, second, current=third) == 0
    # The run that a DAG was started for under its last version may not be in the database yet.
    assert run(bench, current=third) == 0
    age(bench)
    assert run(bench, second, current=third) == 1
    assert sorted(Store(bench.base).versions()) == sorted([second, third])


def test_a_version_that_a_task_holds_stays(bench: Bench) -> None:
    first, second, third = three_versions(bench)
    age(bench)
    record = bench.storage / "_tracking" / NAME / first
    record.parent.mkdir(parents=True)
    record.write_text("2026-01-01T00:00:00+00:00")
    with record.open() as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        assert run(bench, current=third) == 1
    assert first in Store(bench.base).versions()
    assert second not in Store(bench.base).versions()
    assert run(bench, current=third) == 1
    assert not record.exists()


def test_usage_records_without_a_version_folder_go_so_that_airflow_does_not_raise(bench: Bench) -> None:
    _, _, third = three_versions(bench)
    tracking = bench.storage / "_tracking" / NAME
    tracking.mkdir(parents=True)
    for name, moment in (("b" * 40, 0.0), ("c" * 40, time.time())):
        (tracking / name).write_text("2026-01-01T00:00:00+00:00")
        os.utime(tracking / name, (moment, moment))
    run(bench, current=third)
    assert [path.name for path in tracking.iterdir()] == ["c" * 40]


def test_nothing_is_removed_while_a_manifest_cannot_be_read(bench: Bench) -> None:
    first, _, third = three_versions(bench)
    age(bench)
    before = set(Store(bench.base).object_tokens())
    (bench.base / "manifests" / first).write_text("{}")
    with pytest.raises(StoreError, match=first[:12]):
        run(bench, first, current=third)
    assert set(Store(bench.base).object_tokens()) == before


def test_contents_removed_come_back_when_the_file_does(bench: Bench) -> None:
    bundle = bench.bundle()
    for text in ("x: 1\n", "x: 2\n"):
        bench.write("a.yaml", text)
        bundle.refresh()
    age(bench)
    run(bench, current=version_of(bundle))
    bench.write("a.yaml", "x: 1\n")
    try:
        bundle.refresh()
    except StoreError:
        bundle.refresh()  # another process cleaned up; the next refresh writes again what went missing
    assert contents(bench.current)["a.yaml"] == b"x: 1\n"
