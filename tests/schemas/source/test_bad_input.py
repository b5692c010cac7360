"""Bad input: files that do not parse, texts that are no path, hostile folders, edits; each has an answer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from schemas.source import (
    FactCache,
    ModuleMissing,
    NameMissing,
    NotAPath,
    NotInstalled,
    SourceError,
    SourceReader,
    Undecidable,
)
from tests.schemas.source.files import function, write


def test_a_local_syntax_error_has_its_place(pipelines: Path, site: Path) -> None:
    write(pipelines, {"job.py": "def run():\n    return (1\n", "user.py": "from job import run\n"})
    reader = SourceReader(pipelines, [str(site)])
    found = reader.find("job.run")
    assert isinstance(found, SourceError)
    assert (found.file, found.line, found.column) == (pipelines / "job.py", 2, 12)
    assert "never closed" in found.message
    assert reader.find("user.run") == found


def test_a_folder_or_a_pipe_called_like_a_module_is_not_what_was_meant(pipelines: Path, site: Path) -> None:
    write(pipelines, {"jobs.py": "", "job.py/x.py": ""})
    os.mkfifo(pipelines / "pipe.py")
    write(site, {"airflow/__init__.py": ""})
    reader = SourceReader(pipelines, [str(site)])
    assert reader.find("job.run") == ModuleMissing("job", None, ("jobs",), local=True)
    assert reader.find("pipe.run") == ModuleMissing("pipe", None, (), local=False)


def test_an_installed_syntax_error_accuses_nobody(pipelines: Path, site: Path) -> None:
    write(site, {"job.py": "def run(:"})
    assert isinstance(SourceReader(pipelines, [str(site)]).find("job.run"), Undecidable)


def test_encodings(pipelines: Path, site: Path) -> None:
    write(
        pipelines,
        {
            "latin.py": "# -*- coding: latin-1 -*-\ndef größe(ä='ü'): ...\n".encode("latin-1"),
            "broken.py": b"x = '\xe4'\n",
            "unknown.py": b"# coding: klingon\n",
            "nul.py": b"a = 1\0",
            "bom.py": b"\xef\xbb\xbfdef run(): ...\r\n",
        },
    )
    reader = SourceReader(pipelines, [str(site)])
    assert [p.name for p in function(reader.find("latin.größe")).parameters] == ["ä"]
    function(reader.find("bom.run"))
    for module in ("broken", "unknown", "nul"):
        assert isinstance(reader.find(f"{module}.x"), SourceError)


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "a..b", ".a", "a.", "a/b", "a b.c", "a.b()", "1.2", "a\0.b", "a." * 400 + "b", "\n"],
)
def test_what_is_no_dotted_path(pipelines: Path, site: Path, text: str) -> None:
    reader = SourceReader(pipelines, [str(site)])
    assert reader.find(text) == NotAPath(text)
    assert reader.hidden_by(text) is None
    assert reader.local_modules(text) == frozenset()


def test_hostile_files_end(pipelines: Path, site: Path) -> None:
    stars = {f"s{n}.py": f"from s{n + 1} import *\nfrom t{n + 1} import *\n" for n in range(60)}
    others = {f"t{n}.py": f"from s{n + 1} import *\nfrom t{n + 1} import *\n" for n in range(60)}
    write(pipelines, {**stars, **others, "a.py": "from b import run", "b.py": "from a import run"})
    write(pipelines, {"deep.py": "x = " + "(" * 10_000, "sum.py": "x = " + "1+" * 100_000 + "1"})
    write(pipelines, {"huge.py": b"#" * (3 * 1024 * 1024), "loop/own.py": "def run(): ..."})
    (pipelines / "loop" / "again").symlink_to(pipelines / "loop")
    (pipelines / "me").symlink_to(pipelines / "me")
    os.mkfifo(pipelines / "pipe.py")
    reader = SourceReader(pipelines, [str(site)])
    for path in ("a.run", "sum.x", "huge.x"):
        assert isinstance(reader.find(path), Undecidable), path
    assert isinstance(reader.find("s0.x"), Undecidable | ModuleMissing | NameMissing)
    assert isinstance(reader.find("deep.x"), SourceError | Undecidable)
    assert isinstance(reader.find("pipe.x"), ModuleMissing | NotInstalled)
    assert isinstance(reader.find("me.x"), ModuleMissing | NotInstalled)
    function(reader.find("loop." + "again." * 20 + "own.run"))
    assert len(reader.local_modules("a.run")) == 2


def test_a_new_reader_sees_an_edit_and_the_old_one_agrees_with_itself(pipelines: Path, site: Path) -> None:
    cache = FactCache(capacity=2)
    write(pipelines, {"job.py": "def run(a): ..."})
    old = SourceReader(pipelines, [str(site)], cache)
    assert [p.name for p in function(old.find("job.run")).parameters] == ["a"]
    write(pipelines, {"job.py": "def run(b): ..."})
    os.utime(pipelines / "job.py", (0, 0))
    assert [p.name for p in function(old.find("job.run")).parameters] == ["a"]
    new = SourceReader(pipelines, [str(site)], cache)
    assert [p.name for p in function(new.find("job.run")).parameters] == ["b"]
