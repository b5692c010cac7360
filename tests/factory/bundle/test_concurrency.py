"""Many processes at once: task starts, an editor at work, and a refresh that is killed."""

from __future__ import annotations

import itertools
import multiprocessing
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .bundles import Bench, contents, times, version_of

FORK = multiprocessing.get_context("fork")


def start_task(bench: Bench, version: str, barrier: object, results: object) -> None:
    bundle = bench.bundle(version)
    barrier.wait()  # type: ignore[attr-defined] # multiprocessing's types are not public
    bundle.initialize()
    results.put(len(contents(bundle.path)))  # type: ignore[attr-defined]


def test_twenty_task_starts_rebuild_one_snapshot(bench: Bench) -> None:
    for number in range(200):
        bench.write(f"p{number}.yaml", f"x: {number}\n")
    version = version_of(bench.refreshed())
    whole = contents(bench.current)
    for _ in range(3):
        shutil.rmtree(bench.base / "snapshots")
        barrier, results = FORK.Barrier(20), FORK.Queue()
        tasks = [FORK.Process(target=start_task, args=(bench, version, barrier, results)) for _ in range(20)]
        for task in tasks:
            task.start()
        assert [results.get(timeout=300) for _ in tasks] == [len(whole)] * 20
        for task in tasks:
            task.join(300)
            assert task.exitcode == 0
        assert contents(bench.bundle(version).path) == whole
        assert not list((bench.base / "building").iterdir())


def remove_versions_over_and_over(versions: Path) -> None:
    while True:
        for path in versions.iterdir():
            shutil.rmtree(path, ignore_errors=True)


def test_airflows_clean_up_may_run_while_tasks_start(bench: Bench) -> None:
    for number in range(100):
        bench.write(f"p{number}.yaml", f"x: {number}\n")
    version = version_of(bench.refreshed())
    whole = contents(bench.current)
    bench.bundle(version).initialize()
    remover = FORK.Process(target=remove_versions_over_and_over, args=(bench.base / "versions",))
    remover.start()
    try:
        for _ in range(50):
            bundle = bench.bundle(version)
            bundle.initialize()
            assert contents(bundle.path) == whole
    finally:
        remover.kill()
        remover.join()


def edit_in_pairs(folder: Path) -> None:
    """Keep two files equal, one after the other, with pauses in which they are."""
    number = 0
    while True:
        number += 1
        for name in ("a.yaml", "b.yaml"):
            (folder / name).write_text(f"x: {number}\n")
            time.sleep(0.02)
        time.sleep(0.4)


def test_every_version_is_a_moment_at_which_the_folder_stood_still(bench: Bench) -> None:
    for name in ("a.yaml", "b.yaml"):
        bench.write(name, "x: 0\n")
    bundle = bench.refreshed()
    editor = FORK.Process(target=edit_in_pairs, args=(bench.folder,))
    editor.start()
    try:
        end = time.monotonic() + 3
        while time.monotonic() < end:
            bundle.refresh()
    finally:
        editor.kill()
        editor.join()
    snapshots = [contents(path) for path in (bench.base / "snapshots").iterdir()]
    assert len(snapshots) > 2
    assert all(snapshot["a.yaml"] == snapshot["b.yaml"] for snapshot in snapshots)


def refresh_and_kill(bench: Bench, after: float) -> None:
    """Refresh in a process of its own that is killed after some seconds, done or not."""
    ready = FORK.Event()

    def refresh() -> None:
        bundle = bench.bundle()
        ready.set()
        bundle.refresh()

    process = FORK.Process(target=refresh)
    process.start()
    ready.wait()
    time.sleep(after)
    process.kill()
    process.join()


def write_generation(bench: Bench, generation: int) -> None:
    bench.write("_defaults.yaml", f"g: {generation}\n")
    for number in range(300):
        if number % 7 == generation % 7:
            (bench.folder / f"t{number % 5}/p{number}.yaml").unlink(missing_ok=True)
        else:
            bench.write(f"t{number % 5}/p{number}.yaml", f"dag_id: d{number}\ng: {generation}\n")


def stub_uses_existing_files(current: Path) -> bool:
    return all((current / stub[: -len(".py")]).exists() for stub in contents(current) if stub.endswith(".yaml.py"))


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(3, 12))])
def test_a_killed_refresh_leaves_a_usable_folder_and_is_completed(bench: Bench, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - chooses moments, not secrets
    bench.settle_seconds = 0
    write_generation(bench, 0)
    version = version_of(bench.refreshed())
    before = contents(bench.current)
    stamps = {path: (bench.current / path).stat().st_mtime_ns for path in before}
    write_generation(bench, 1)
    refresh_and_kill(bench, chance.uniform(0, 0.3))

    assert stub_uses_existing_files(bench.current)
    pinned = bench.bundle(version)
    pinned.initialize()
    assert contents(pinned.path) == before

    half, interrupted = times(bench.current), version_of(bench.bundle()) == version
    bundle, fresh = bench.refreshed(), bench.beside("fresh").refreshed()
    assert contents(bench.current) == contents(fresh.path)
    assert version_of(bundle) == version_of(fresh)
    assert not list((bench.base / "building").iterdir())
    changed = {path for path, data in contents(bench.current).items() if before.get(path) != data}
    assert all((bench.current / path).stat().st_mtime_ns > stamps.get(path, 0) for path in changed)
    if interrupted:
        # What the killed refresh had shown to Airflow under the old version is shown anew under the new one.
        after = times(bench.current)
        assert not [path for path in changed if half.get(path) == after[path]]


def test_a_file_that_never_stands_still_keeps_its_old_state_and_says_so(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.write("a.yaml", "x: 0\n")
    bundle = bench.refreshed()
    before, version = times(bench.current), version_of(bundle)

    def replace_over_and_over() -> None:
        new = bench.storage / "new"
        for number in itertools.count():
            new.write_text(f"x: {number}\n")
            new.replace(bench.folder / "a.yaml")

    writer = FORK.Process(target=replace_over_and_over)
    writer.start()
    try:
        while (bench.folder / "a.yaml").read_text() == "x: 0\n":
            time.sleep(0.01)
        with caplog.at_level("WARNING"):
            bundle.refresh()
    finally:
        writer.kill()
        writer.join()
    assert "a.yaml keeps changing; its last content stays" in caplog.text
    assert times(bench.current) == before
    bundle.refresh()
    assert version_of(bundle) != version


APPENDER = """
import itertools, sys, time
with open(sys.argv[1], "a") as log:
    for n in itertools.count():
        print(n, file=log, flush=True)
        time.sleep(0.03)
"""


def test_a_log_that_grows_all_the_time_holds_up_no_edit(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.write("a.yaml", "x: 1\n")
    log = bench.write("app.log", "start\n")
    bundle = bench.refreshed()
    writer = subprocess.Popen([sys.executable, "-c", APPENDER, str(log)])
    try:
        while log.stat().st_size < 10:
            time.sleep(0.01)
        for text in ("x: 2\n", "x: 3\n"):
            bench.write("a.yaml", text)
            bundle.refresh()
            assert contents(bench.current)["a.yaml"] == text.encode()
            assert contents(bench.current)["app.log"] == b"start\n"
        objects = {path.read_bytes() for path in (bench.base / "objects").rglob("*") if path.is_file()}
        fresh = bench.beside("fresh").refreshed()
        assert set(contents(fresh.path)) == {".airflowignore", "__pycache__", "a.yaml", "a.yaml.py"}
    finally:
        writer.kill()
        writer.wait()
    assert {text for text in objects if text.startswith(b"start")} == {b"start\n"}
    bundle.refresh()
    assert contents(bench.current)["app.log"] == log.read_bytes()
    kept = [r for r in caplog.messages if "app.log keeps changing; its last content stays" in r]
    assert len(kept) <= 1
