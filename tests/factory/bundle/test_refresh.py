"""What a refresh writes, and above all what it leaves alone."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from factory.bundle.source import FolderUnavailableError

from .bundles import Bench, contents, times, version_of


def changed(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> set[str]:
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def test_stubs_lie_beside_copies_and_the_version_is_a_snapshot(bench: Bench) -> None:
    bench.write("sales/orders.yaml", "dag_id: x\n")
    bench.write("sales/helper.py", "")
    bundle = bench.refreshed()
    assert sorted(contents(bench.current)) == [
        ".airflowignore",
        "__pycache__",
        "sales/__pycache__",
        "sales/helper.py",
        "sales/orders.yaml",
        "sales/orders.yaml.py",
    ]
    pinned = bench.bundle(version_of(bundle))
    pinned.initialize()
    assert contents(pinned.path) == contents(bench.current)


def test_yaml_and_yml_beside_each_other_have_their_own_stubs(bench: Bench) -> None:
    bench.write("a.yaml", "dag_id: x\n")
    bench.write("a.yml", "dag_id: y\n")
    bench.refreshed()
    assert {"a.yaml.py", "a.yml.py"} <= contents(bench.current).keys()


def test_an_unchanged_folder_changes_nothing(bench: Bench) -> None:
    source = bench.write("a.yaml", "x: 1\n")
    bundle = bench.refreshed()
    before, version = times(bench.current), version_of(bundle)
    os.utime(source, (0, 0))
    bundle.refresh()
    bench.refreshed()
    assert times(bench.current) == before
    assert version_of(bundle) == version


def test_an_edit_writes_only_the_stubs_that_depend_on_it(bench: Bench) -> None:
    bench.write("sales/a.yaml", "uses: sales.jobs\n")
    bench.write("sales/b.yaml", "file: sales/q.sql\n")
    bench.write("other/c.yaml", "x: 1\n")
    bench.write("sales/jobs.py", "1")
    bundle = bench.refreshed()
    for edit, text, expected in (
        ("sales/a.yaml", "uses: sales.jobs\nx: 2\n", {"sales/a.yaml", "sales/a.yaml.py"}),
        ("sales/jobs.py", "2", {"sales/jobs.py", "sales/a.yaml.py"}),
        ("sales/q.sql", "new", {"sales/q.sql", "sales/b.yaml.py"}),
        ("sales/_defaults.yaml", "d: 1", {"sales/_defaults.yaml", "sales/a.yaml.py", "sales/b.yaml.py"}),
        ("readme.md", "hello", {"readme.md"}),
    ):
        before, version = times(bench.current), version_of(bundle)
        bench.write(edit, text)
        bundle.refresh()
        after = times(bench.current)
        assert changed(before, after) == expected
        assert version_of(bundle) != version
        for path in expected & before.keys():
            assert after[path][0] != before[path][0], "a changed file is a new inode"
            assert after[path][1] // 10**9 > before[path][1] // 10**9, "with a later whole second"
            assert after[path][1] > time.time_ns(), "later than the end of a parse that runs right now"


def test_same_size_same_time_other_content_is_a_change(bench: Bench) -> None:
    source = bench.write("a.yaml", "x: 1\n")
    os.utime(source, (1000, 1000))
    bundle = bench.refreshed()
    source.write_text("x: 2\n")
    os.utime(source, (1000, 1000))
    before = times(bench.current)
    bundle.refresh()
    assert changed(before, times(bench.current)) == {"a.yaml", "a.yaml.py"}


def test_a_revert_goes_back_to_the_old_version_and_is_parsed_again(bench: Bench) -> None:
    bench.write("a.yaml", "x: 1\n")
    bundle = bench.refreshed()
    first, before = version_of(bundle), times(bench.current)
    bench.write("a.yaml", "x: 2\n")
    bundle.refresh()
    bench.write("a.yaml", "x: 1\n")
    bundle.refresh()
    assert version_of(bundle) == first
    assert times(bench.current)["a.yaml.py"][1] > before["a.yaml.py"][1]


def test_deleting_removes_file_stub_and_empty_folders(bench: Bench) -> None:
    bench.write("a/b/c.yaml", "x: 1\n")
    bench.write("d.yaml", "x: 1\n")
    bundle = bench.refreshed()
    shutil.rmtree(bench.folder / "a")
    bundle.refresh()
    assert not (bench.current / "a").exists()
    assert (bench.current / "d.yaml.py").exists()


def test_files_and_folders_change_places(bench: Bench) -> None:
    bench.write("x.yaml", "a: 1\n")
    bench.write("y/z.yaml", "b: 1\n")
    bundle = bench.refreshed()
    shutil.rmtree(bench.folder / "y")
    (bench.folder / "x.yaml").unlink()
    bench.write("x.yaml/in.yaml", "a: 2\n")
    bench.write("y", "file")
    bundle.refresh()
    assert {"x.yaml/in.yaml.py", "y"} <= contents(bench.current).keys()
    assert not (bench.current / "x.yaml.py").exists()
    bench.bundle(version_of(bundle)).initialize()


def damage(current: Path, how: str) -> None:
    stub = current / "a.yaml.py"
    match how:
        case "edited":
            stub.write_text("x")
        case "deleted":
            stub.unlink()
        case "folder in its place":
            stub.unlink()
            stub.mkdir()
            (stub / "x").touch()
        case "link in its place":
            stub.unlink()
            stub.symlink_to("/dev/null")
        case "stray files":
            (current / "sales/more").mkdir()
            (current / "sales/more/stray.yaml.py").touch()
            os.mkfifo(current / "pipe")
        case "all gone":
            shutil.rmtree(current)
        case "a file":
            shutil.rmtree(current)
            current.touch()
        case "bytecode":
            (current / "__pycache__").unlink()
            (current / "__pycache__").mkdir()
            (current / "__pycache__/a.yaml.cpython-311.pyc").touch()


@pytest.mark.parametrize("same_process", [True, False])
@pytest.mark.parametrize(
    "how",
    [
        "edited",
        "deleted",
        "folder in its place",
        "link in its place",
        "stray files",
        "all gone",
        "a file",
        "bytecode",
    ],
)
def test_damage_is_repaired_and_the_rest_left_alone(bench: Bench, how: str, same_process: bool) -> None:
    bench.write("a.yaml", "x: 1\n")
    bench.write("sales/b.yaml", "x: 1\n")
    bundle = bench.refreshed()
    whole, before = contents(bench.current), times(bench.current)
    damage(bench.current, how)
    (bundle if same_process else bench.bundle()).refresh()
    assert contents(bench.current) == whole
    if how not in ("all gone", "a file"):
        assert times(bench.current)["sales/b.yaml.py"] == before["sales/b.yaml.py"]


def test_the_state_and_the_store_may_be_lost(bench: Bench) -> None:
    bench.write("a.yaml", "x: 1\n")
    version = version_of(bench.refreshed())
    whole = contents(bench.current)
    for lost in ("current.json", "objects", "manifests", "snapshots"):
        path = bench.base / lost
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        assert version_of(bench.refreshed()) == version
        assert contents(bench.current) == whole
        bench.bundle(version).initialize()
        assert contents(bench.bundle(version).path) == whole


def test_a_folder_that_goes_missing_takes_nothing_down(bench: Bench) -> None:
    bench.write("a.yaml", "x: 1\n")
    bundle = bench.refreshed()
    before, version = times(bench.current), version_of(bundle)
    bench.folder.rename(bench.folder.with_name("elsewhere"))
    with pytest.raises(FolderUnavailableError, match=str(bench.folder)):
        bundle.refresh()
    assert times(bench.current) == before
    assert version_of(bundle) == version


def test_a_pipeline_that_cannot_be_copied_has_a_stub_that_says_so(bench: Bench) -> None:
    bench.write("good.yaml", "x: 1\n")
    os.mkfifo(bench.folder / "pipe.yaml")
    os.mkfifo(bench.folder / "_defaults.yaml")
    bundle = bench.refreshed()
    files = contents(bench.current)
    assert b"pipe.yaml: is not a regular file" in files["pipe.yaml.py"]
    assert "_defaults.yaml.py" not in files
    (bench.folder / "pipe.yaml").unlink()
    bundle.refresh()
    assert "pipe.yaml.py" not in contents(bench.current)


def test_a_second_claim_leaves_the_owner_untouched_and_heals(bench: Bench) -> None:
    bench.write("owner.yaml", "dag_id: x\n")
    bundle = bench.refreshed()
    before, alone = times(bench.current), contents(bench.current)
    bench.write("copy.yaml", "dag_id: x\n")
    bundle.refresh()
    assert changed(before, times(bench.current)) == {"copy.yaml", "copy.yaml.py"}
    assert b"(('x', 'owner.yaml'),)" in contents(bench.current)["copy.yaml.py"]
    bench.write("owner.yaml", "broken\n")
    bundle = bench.refreshed()
    assert b"owner.yaml'" in contents(bench.current)["copy.yaml.py"], "a typo does not lose the id"
    bench.write("owner.yaml", "dag_id: x\n")
    (bench.folder / "copy.yaml").unlink()
    bundle.refresh()
    assert contents(bench.current) == alone


def test_two_claims_with_no_history_both_say_so(bench: Bench) -> None:
    bench.write("a.yaml", "dag_id: x\n")
    bench.write("b.yaml", "dag_id: x\n")
    bundle = bench.refreshed()
    files = contents(bench.current)
    assert b"(('x', 'b.yaml'),)" in files["a.yaml.py"]
    assert b"(('x', 'a.yaml'),)" in files["b.yaml.py"]
    (bench.folder / "b.yaml").unlink()
    bundle.refresh()
    assert b"(('x'," not in contents(bench.current)["a.yaml.py"]


def test_two_processors_on_one_storage_do_not_undo_each_other(bench: Bench) -> None:
    bench.write("a.yaml", "x: 1\n")
    one, two = bench.refreshed(), bench.refreshed()
    bench.write("a.yaml", "x: 2\n")
    two.refresh()
    before = times(bench.current)
    one.refresh()
    two.refresh()
    assert times(bench.current) == before
    assert version_of(one) == version_of(two)


def test_a_version_is_on_the_disk_before_anything_names_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut cannot be had here, so every call that a file system keeps its promise for is written down."""
    synced: set[int] = set()
    missing: list[str] = []
    real_sync, real_rename = os.fsync, Path.rename

    def sync(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)
        real_sync(descriptor)

    def rename(path: Path, target: Path) -> Path:
        missing.extend(file for file, (inode, _) in times(path).items() if inode not in synced)
        return real_rename(path, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "rename", rename)
    bench.write("a.yaml", "x: 1\n")
    bundle = bench.refreshed()
    bench.write("b.yaml", "x: 2\n")
    bundle.refresh()
    assert len(list((bench.base / "snapshots").iterdir())) == 2
    assert not missing
    kept = [bench.base / "current.json", *(bench.base / "manifests").iterdir(), bench.base / "snapshots"]
    assert all(path.stat().st_ino in synced for path in kept)
