"""Files of rows show up whole or not at all, on this machine and in stores."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.io import attach
from fsspec.implementations.memory import MemoryFileSystem

from factory.data.places import own_folder
from factory.data.row_files import RowFileError, RowFileWriter, read_rows

from .test_row_files import NEEDS_ARROW, ROWS, written


@pytest.mark.parametrize("ending", [".jsonl", ".json", ".csv", ".csv.gz"])
def test_what_raises_leaves_the_file_of_before(tmp_path: Path, ending: str) -> None:
    path = written(tmp_path / f"rows{ending}", ROWS)
    before = Path(path).read_bytes()
    with pytest.raises(RowFileError, match="cannot be written as"), RowFileWriter(path) as file:
        file.write([*ROWS, {"id": object()}])
    assert Path(path).read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == [f"rows{ending}"]


def test_a_store_gets_the_whole_file() -> None:
    attach("memory", fs=MemoryFileSystem())
    path = written("memory://bucket/orders/1.jsonl.gz", ROWS)
    assert list(read_rows(path)) == ROWS
    assert list(read_rows("memory://bucket/orders/*.jsonl.gz")) == ROWS


@pytest.mark.parametrize("ending", ["jsonl", "csv", pytest.param("parquet", marks=NEEDS_ARROW)])
def test_who_reads_the_file_of_before_reads_all_of_it(tmp_path: Path, ending: str) -> None:
    path = Path(written(tmp_path / f"rows.{ending}", ROWS[:2]))
    before = path.read_bytes()
    with path.open("rb", buffering=0) as reader:
        head = reader.read(3)
        written(path, ROWS * 100)
        assert head + reader.read() == before
    assert path.read_bytes() != before


def test_a_store_that_breaks_off_keeps_the_file_of_before() -> None:
    """One in which a file grows under its name, other than in an object store."""

    class Breaking(MemoryFileSystem):  # type: ignore[misc] # fsspec has no types
        def put_file(self, lpath: str, rpath: str, **_: Any) -> None:
            self.pipe_file(rpath, Path(lpath).read_bytes()[:5])
            raise ConnectionError("it broke off")

    attach("memory", "breaking", fs=Breaking())
    attach("memory", "whole", fs=MemoryFileSystem())
    before = written("memory://whole@b/kept.jsonl", ROWS)
    for name in ("kept", "new"):
        with pytest.raises(RowFileError, match=rf"{name}\.jsonl` cannot be written: it broke off"):
            written(f"memory://breaking@b/{name}.jsonl", ROWS * 2)
    assert list(read_rows(before)) == ROWS
    assert list(read_rows("memory://whole@b/*.jsonl")) == ROWS


def test_a_store_that_takes_nothing_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unreachable(MemoryFileSystem):  # type: ignore[misc] # fsspec has no types
        def put_file(self, *_: Any, **__: Any) -> None:
            raise RuntimeError("no endpoint")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    attach("memory", "unreachable", fs=Unreachable())
    with pytest.raises(RowFileError, match=r"`memory://unreachable@b/o\.csv` cannot be written: no endpoint"):
        written("memory://unreachable@b/o.csv", ROWS)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_no_other(tmp_path: Path) -> None:
    program = (
        "import os, sys; from factory.data.row_files import RowFileWriter;"
        "RowFileWriter(sys.argv[1]).write([{'a': 1}]); os.kill(os.getpid(), 9)"
    )
    path = tmp_path / "a.jsonl"
    subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    (left,) = tmp_path.iterdir()
    with RowFileWriter(str(path)) as other:
        (held,) = tmp_path.iterdir()
        assert held != left
        other.write([{"a": 1}])
        assert list(read_rows(written(path, [{"a": 2}]))) == [{"a": 2}]
    assert [one.name for one in tmp_path.iterdir()] == ["a.jsonl"]
    assert list(read_rows(str(path))) == [{"a": 1}]


@pytest.mark.parametrize("moment", ["mkdtemp", "flock"])
def test_a_folder_that_another_process_takes_for_left_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    gone: list[str] = []
    make, lock = tempfile.mkdtemp, fcntl.flock

    def remove_first(folder: str) -> None:
        if not gone:
            gone.append(folder)
            Path(folder).rmdir()

    def mkdtemp(**arguments: Any) -> str:
        folder = make(**arguments)
        if moment == "mkdtemp":
            remove_first(folder)
        return folder

    def flock(descriptor: int, operation: int) -> None:
        if moment == "flock":
            remove_first(str(next(tmp_path.iterdir())))
        lock(descriptor, operation)

    monkeypatch.setattr(tempfile, "mkdtemp", mkdtemp)
    monkeypatch.setattr(fcntl, "flock", flock)
    folder, held = own_folder(str(tmp_path), "load-")
    os.close(held)
    assert (gone != [folder], len(gone), Path(folder).is_dir()) == (True, 1, True)
