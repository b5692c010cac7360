"""The file system tells when the pipelines folder has to be read."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from airflow.dag_processing.manager import DagFileInfo, DagFileProcessorManager, DagFileStat

from factory.bundle import current, refresh, upstream
from factory.bundle.upstream import FolderEvents

from .bundles import Bench, SmallBundle, contents, times


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[FolderEvents]:
    """Events of a folder that was read since they began to come."""
    (tmp_path / "sub").mkdir()
    found = FolderEvents(tmp_path)
    assert found.may_have_changed()
    wait_until(found.is_pending)
    found.read()
    yield found
    found.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a.yaml").write_text("new"),
        lambda folder: (folder / "sub" / "b.yaml").write_text("new"),
        lambda folder: (folder / "sub").rename(folder / "renamed"),
        lambda folder: (folder / "sub").rmdir(),
        lambda folder: (folder / "..data").symlink_to("sub"),
    ],
)
def test_every_change_is_an_event(change: Callable[[Path], object], watching: FolderEvents, tmp_path: Path) -> None:
    assert not watching.may_have_changed()
    change(tmp_path)
    wait_until(watching.is_pending)
    assert watching.may_have_changed()


def test_a_new_folder_is_watched_too(watching: FolderEvents, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    wait_until(watching.is_pending)
    time.sleep(0.5)  # what is written into it before it is watched is part of the same reading
    watching.read()
    (tmp_path / "new" / "a.yaml").write_text("new")
    wait_until(watching.is_pending)


def test_without_events_the_folder_is_always_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "FILE_SYSTEMS", frozenset())
    found = FolderEvents(tmp_path)
    for _ in range(3):
        assert found.may_have_changed()
        found.read()


def test_a_swapped_link_is_a_change(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to("one")
    found = FolderEvents(tmp_path / "link")
    assert found.may_have_changed()
    wait_until(found.is_pending)
    found.read()
    (tmp_path / "new").symlink_to("two")
    os.replace(tmp_path / "new", tmp_path / "link")  # noqa: PTH105 # as git-sync does
    assert found.may_have_changed()
    found.close()


@pytest.mark.parametrize("there_before", [True, False], ids=["renamed into place", "removed first"])
def test_a_folder_in_the_place_of_another_is_watched(there_before: bool, tmp_path: Path) -> None:
    folder, new = tmp_path / "pipelines", tmp_path / "new"
    folder.mkdir()
    found = FolderEvents(folder)
    assert found.may_have_changed()
    wait_until(found.is_pending)
    found.read()
    new.mkdir()
    if there_before:
        folder.rename(tmp_path / "old")
    else:
        folder.rmdir()
        assert found.may_have_changed()
        found.read()
    new.rename(folder)
    assert found.may_have_changed()
    found.read()
    wait_until(found.is_pending)
    found.read()
    assert not found.may_have_changed()
    (folder / "a.yaml").write_text("new")
    wait_until(found.is_pending)
    found.close()


def test_the_dag_processor_reads_only_after_an_event(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    real = refresh.read_until_stable

    def counted(folder: Path, *rest: object, **more: object) -> object:
        read.append(folder)
        return real(folder, *rest, **more)  # type: ignore[arg-type] # as it is called

    monkeypatch.setattr(refresh, "read_until_stable", counted)
    monkeypatch.setattr("factory.bundle.pipeline_bundle._in_server", lambda: True)
    monkeypatch.setattr("factory.bundle.registry.database_of", lambda *_: None)
    monkeypatch.setattr("factory.bundle.cleanup.Upkeep.pass_by", lambda *_: None)
    bench.empty_seconds = 0.2
    bench.write("orders.yaml", "one")
    bundle = bench.bundle()
    assert bundle.refresh_interval == 5
    bundle.refresh()
    wait_until(lambda: bundle.refresh_interval == 0)
    bundle.refresh()
    assert bundle.refresh_interval == 5
    before = len(read)
    for _ in range(3):
        bundle.refresh()
    assert len(read) == before

    bench.write("orders.yaml", "two")
    wait_until(lambda: bundle.refresh_interval == 0)
    bundle.refresh()
    assert contents(bundle.path)["orders.yaml"] == b"two"

    (bench.folder / "orders.yaml").unlink()
    wait_until(lambda: bundle.refresh_interval == 0)
    bundle.refresh()
    assert "orders.yaml" in contents(bundle.path)
    time.sleep(0.3)
    bundle.refresh()  # no event tells that it was empty for long enough
    assert "orders.yaml" not in contents(bundle.path)


class Parser:
    """Airflow's own rule of which changed files it parses, for one stub."""

    def __init__(self, bench: Bench, stub: str) -> None:
        self.file = bench.current / stub
        self._info = DagFileInfo(rel_path=Path(stub), bundle_name=bench.name, bundle_path=bench.current)
        self._manager = DagFileProcessorManager(max_runs=1)

    def parses(self, finished: float) -> bool:
        """Whether the file is parsed again where its last parse finished then."""
        stat = DagFileStat(last_finish_time=datetime.fromtimestamp(finished, UTC))
        self._manager._file_stats = defaultdict(DagFileStat, {self._info: stat})
        _, changed = self._manager._sort_by_mtime([self._info])
        return self._info in changed


@pytest.fixture
def parser(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[tuple[SmallBundle, Parser]]:
    """A dag-processor's bundle, whose only pipeline was written long ago."""
    monkeypatch.setattr("factory.bundle.pipeline_bundle._in_server", lambda: True)
    monkeypatch.setattr("factory.bundle.registry.database_of", lambda *_: None)
    monkeypatch.setattr("factory.bundle.cleanup.Upkeep.pass_by", lambda *_: None)
    monkeypatch.setattr(current, "AHEAD_SECONDS", getattr(request, "param", 1.0))
    bench.write("a.yaml", "x: 1\n")
    bundle = bench.refreshed()
    found = Parser(bench, "a.yaml.py")
    os.utime(found.file, (1000, 1000))
    bundle._refresher.current._untouched.clear()
    bundle.refresh()
    bench.write("a.yaml", "x: 2\n")
    wait_until(bundle._refresher.events.is_pending)  # type: ignore[union-attr] # a server has events
    bundle.refresh()
    yield bundle, found
    bundle._refresher.events.close()  # type: ignore[union-attr] # as above


def test_an_edit_is_parsed_at_once_and_once_more_and_then_no_more(parser: tuple[SmallBundle, Parser]) -> None:
    bundle, file = parser
    before = time.time()
    assert file.parses(finished=before - 60)
    assert not file.parses(finished=time.time()), "its time does not lie ahead: the first parse is enough"
    wait_until(lambda: bundle._refresher.current.is_due)
    assert bundle.refresh_interval == 0
    bundle.refresh()
    assert file.parses(finished=before + 0.5), "a parse of the older text that ended after the edit hides it no longer"
    assert not file.parses(finished=time.time())
    listed = times(file.file.parent)
    bundle.refresh()
    assert not bundle._refresher.current.is_due
    assert times(file.file.parent) == listed


def test_an_edit_is_not_lost_to_a_slow_parse(
    parser: tuple[SmallBundle, Parser], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that began before it, and ends after the file has had its new time, too."""
    bundle, file = parser
    monkeypatch.setattr(current, "SLOW_SECONDS", 1.0)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        # The parse is there before the edit: so is this one, before the next.
        wait_until(lambda: bundle._refresher.current.is_due)
        os.utime(file.file, (1000, 1000))
        bundle.refresh()
        (Path(bundle._refresher.folder) / "a.yaml").write_text("x: 3\n")
        wait_until(bundle._refresher.events.is_pending)  # type: ignore[union-attr] # as above
        bundle.refresh()
        wait_until(lambda: bundle._refresher.current.is_due)
        bundle.refresh()
        child.communicate(b"\n")
        finished = time.time()
    assert not file.parses(finished)
    wait_until(lambda: bundle._refresher.current.is_due)
    bundle.refresh()
    assert file.parses(finished)
    assert not bundle._refresher.current._untouched


@pytest.mark.parametrize("parser", [50.0], indirect=True)
def test_an_edit_soon_after_another_is_parsed_as_soon_as_that_is_over(
    bench: Bench, parser: tuple[SmallBundle, Parser]
) -> None:
    bundle, file = parser
    before = time.time()
    bench.write("a.yaml", "x: 3\n")
    wait_until(bundle._refresher.events.is_pending)  # type: ignore[union-attr] # as above
    bundle.refresh()

    assert file.parses(finished=before + 49)


def test_an_edit_soon_after_another_is_not_lost_to_a_slow_parse(
    bench: Bench, parser: tuple[SmallBundle, Parser], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a file is made unreadable and readable again while the machine is busy."""
    bundle, file = parser
    monkeypatch.setattr(current, "SLOW_SECONDS", 1.0)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        bench.write("a.yaml", "x: 3\n")
        wait_until(bundle._refresher.events.is_pending)  # type: ignore[union-attr] # as above
        bundle.refresh()
        wait_until(lambda: bundle._refresher.current.is_due)
        bundle.refresh()
        child.communicate(b"\n")
        finished = time.time() + 0.5
    wait_until(lambda: bundle._refresher.current.is_due and time.time() > finished)
    bundle.refresh()
    assert file.parses(finished)


def test_no_second_look_at_what_no_parse_hides(
    bench: Bench, parser: tuple[SmallBundle, Parser], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time ahead was enough, unless a parse from before the edit is still under way."""
    bundle, file = parser
    # Another test may have left a child of this process; and one from long before is no parse.
    monkeypatch.setattr(current, "_children", lambda: [time.time() - 3600])
    wait_until(lambda: bundle._refresher.current.is_due)
    bundle.refresh()
    bench.write("b.yaml", "x: 1\n")
    wait_until(bundle._refresher.events.is_pending)  # type: ignore[union-attr] # as above
    bundle.refresh()
    listed = times(file.file.parent)
    wait_until(lambda: bundle._refresher.current.is_due)
    bundle.refresh()
    assert times(file.file.parent) == listed
    assert not bundle._refresher.current._untouched


def test_an_edit_that_a_command_line_takes_over_is_not_left_to_it(bench: Bench) -> None:
    """It ends before it could come back."""
    bench.write("a.yaml", "x: 1\n")
    bundle = bench.refreshed()
    file = Parser(bench, "a.yaml.py")
    os.utime(file.file, (1000, 1000))
    bench.write("a.yaml", "x: 2\n")
    before = time.time()
    bundle.refresh()

    assert file.parses(finished=before + current.AHEAD_SECONDS - 0.1)
