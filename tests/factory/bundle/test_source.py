"""Reading the live folder: what is followed, what is never opened, and when two readings agree."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from factory.bundle.records import token_of
from factory.bundle.source import (
    MAX_FILE_BYTES,
    FolderUnavailableError,
    FolderUnstableError,
    Listing,
    read_folder,
    read_until_stable,
)


def put(folder: Path, path: str, text: str = "x: 1\n") -> Path:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_files_are_named_by_content_and_executable_bit(tmp_path: Path) -> None:
    put(tmp_path, "sales/orders.yaml")
    put(tmp_path, "run.sh").chmod(0o755)
    listing = read_folder(tmp_path)
    token = token_of(b"x: 1\n", executable=False)
    assert listing == Listing(files={"sales/orders.yaml": token, "run.sh": token + "x"})


def test_dot_names_and_bytecode_are_left_out(tmp_path: Path) -> None:
    kept = ["_defaults.yaml", "_helpers.py", "q.sql"]
    for path in [*kept, ".env", ".git/config", ".airflowignore", "__pycache__/a.pyc", "b.pyc", ".x.yaml.swp"]:
        put(tmp_path, path)
    listing = read_folder(tmp_path)
    assert sorted(listing.files) == kept
    assert not listing.problems


def test_a_config_map_of_links_reads_like_plain_files(tmp_path: Path) -> None:
    put(tmp_path, "..2026_01/orders.yaml", "a: 1\n")
    (tmp_path / "..data").symlink_to("..2026_01")
    (tmp_path / "orders.yaml").symlink_to("..data/orders.yaml")
    assert read_folder(tmp_path) == Listing({"orders.yaml": token_of(b"a: 1\n", executable=False)})


def test_the_folder_itself_may_be_a_link_that_is_swapped(tmp_path: Path) -> None:
    put(tmp_path, "rev1/a.yaml")
    put(tmp_path, "rev2/b.yaml")
    link = tmp_path / "live"
    link.symlink_to("rev1")
    assert list(read_folder(link).files) == ["a.yaml"]
    link.unlink()
    link.symlink_to("rev2")
    assert list(read_folder(link).files) == ["b.yaml"]


def test_links_out_of_the_folder_and_loops_are_reported_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    put(tmp_path, "secret.txt")
    put(folder, "team/a.yaml")
    (folder / "leak.yaml").symlink_to("../secret.txt")
    (folder / "outside").symlink_to("..")
    (folder / "team/up").symlink_to("..")
    (folder / "self.yaml").symlink_to("self.yaml")
    (folder / "gone.yaml").symlink_to("nothing.yaml")
    (folder / "dead.yaml").symlink_to("/no/such/file.yaml")
    (folder / "shared").symlink_to("team")
    listing = read_folder(folder)
    assert sorted(listing.files) == ["shared/a.yaml", "team/a.yaml"]
    assert "out of the pipelines folder" in listing.problems["leak.yaml"]
    assert "out of the pipelines folder" in listing.problems["outside"]
    assert {listing.problems[name] for name in ("gone.yaml", "dead.yaml")} == {
        "is a link to a file that does not exist"
    }
    assert "self.yaml" in listing.problems
    assert any("contains it" in reason for path, reason in listing.problems.items() if path.endswith("up/"))


def test_pipes_sockets_and_huge_files_harm_nothing_else(tmp_path: Path) -> None:
    put(tmp_path, "good.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    with put(tmp_path, "huge.csv").open("r+b") as huge:
        huge.truncate(MAX_FILE_BYTES + 1)
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(tmp_path)  # a socket's path is limited to about 100 characters
        try:
            listener.bind("sock.yaml")
        finally:
            os.chdir(here)
        listing = read_folder(tmp_path)
    assert list(listing.files) == ["good.yaml"]
    assert listing.problems == {
        "pipe.yaml": "is not a regular file",
        "sock.yaml": "is not a regular file",
        "huge.csv": "is larger than 16 MiB; keep data outside of the pipelines folder",
    }


def test_names_that_are_ours_or_too_long_or_not_text_are_reported(tmp_path: Path) -> None:
    put(tmp_path, "a.yaml.py")
    put(tmp_path, "b.YML.py/x.py")
    put(tmp_path, "n" * 250 + ".yaml")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.yaml")).touch()
    listing = read_folder(tmp_path)
    assert not listing.files
    assert len(listing.problems) == 4


@pytest.mark.parametrize("is_file", [False, True])
def test_no_folder_is_one_line_that_names_it(tmp_path: Path, is_file: bool) -> None:
    folder = tmp_path / "missing"
    if is_file:
        folder.touch()
    with pytest.raises(FolderUnavailableError) as caught:
        read_folder(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_reading_is_enough_when_nothing_changed(tmp_path: Path) -> None:
    put(tmp_path, "a.yaml")
    listing = read_folder(tmp_path)
    assert read_until_stable(tmp_path, token_of, listing, tries=1) == listing


REPLACER = """
import itertools, os, pathlib, sys
for n in itertools.count():
    pathlib.Path(sys.argv[1]).write_text(str(n))
    os.replace(sys.argv[1], sys.argv[2])
"""


def test_a_file_that_never_stands_still_holds_up_no_other(tmp_path: Path) -> None:
    live = tmp_path / "live"
    file = put(live, "a.log")
    put(live, "b.yaml")
    kept: list[bytes] = []

    def keep(data: bytes, executable: bool) -> str:
        kept.append(data)
        return token_of(data, executable)

    writer = subprocess.Popen([sys.executable, "-c", REPLACER, str(tmp_path / "new"), str(file)])
    try:
        while not file.read_text().isdigit():
            pass
        first = read_until_stable(live, keep, settle_seconds=0.02)
        again = read_until_stable(live, keep, first, known={"a.log": "known"}.get, settle_seconds=0.02, tries=2)
    finally:
        writer.kill()
        writer.wait()
    token = token_of(b"x: 1\n", executable=False)
    assert (first.files, first.unsettled) == ({"b.yaml": token}, {"a.log"})
    assert (again.files, again.unsettled) == ({"a.log": "known", "b.yaml": token}, {"a.log"})
    assert set(kept) == {b"x: 1\n"}, "contents that do not last never reach the store"
    assert set(read_until_stable(live, token_of, first).files) == {"a.log", "b.yaml"}


COPIER = """
import itertools, pathlib, sys, time
for n in itertools.count():
    pathlib.Path(sys.argv[1], f"{n}.yaml").write_text("x: 1")
    time.sleep(0.01)
"""


def test_a_copy_under_way_is_waited_for_unless_told_otherwise(tmp_path: Path) -> None:
    put(tmp_path, "a.yaml")
    writer = subprocess.Popen([sys.executable, "-c", COPIER, str(tmp_path)])
    try:
        while not (tmp_path / "1.yaml").exists():
            pass
        with pytest.raises(FolderUnstableError, match="kept changing"):
            read_until_stable(tmp_path, token_of, settle_seconds=0.05)
        assert {"a.yaml", "0.yaml"} <= read_until_stable(tmp_path, token_of, at_once=True).files.keys()
    finally:
        writer.kill()
        writer.wait()
