"""Modules below a pipelines folder: what is imported is the text that is there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

READ = """
import sys
from pathlib import Path
from factory.operators import make_importable
make_importable(Path(sys.argv[1]))
make_importable(Path(sys.argv[1]))
import job, package.part
print(job.VALUE, package.part.VALUE, sys.path.count(sys.argv[1]), len(sys.path) - sys.path.index(sys.argv[1]))
"""


def python(folder: Path, code: str) -> str:
    """What the code prints in a process of its own, which may write bytecode."""
    ours = ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return done.stdout.strip()


def read(folder: Path) -> str:
    return python(folder, READ)


def write(folder: Path, value: int) -> None:
    """Two modules of the same size and time, whatever the value."""
    (folder / "package").mkdir(exist_ok=True)
    for file in (folder / "job.py", folder / "package" / "part.py"):
        file.write_text(f"VALUE = {value}\n")
        os.utime(file, (1_700_000_000, 1_700_000_000))


def test_bytecode_is_neither_written_nor_read(tmp_path: Path) -> None:
    write(tmp_path, 1)
    assert read(tmp_path) == "1 1 1 1"
    assert not list(tmp_path.rglob("__pycache__"))
    # What plain Python leaves behind is of the same size and time as the next text.
    python(tmp_path, "import sys; sys.path.append(sys.argv[1]); import job, package.part")
    assert len(list(tmp_path.rglob("*.pyc"))) == 2
    write(tmp_path, 2)
    assert read(tmp_path) == "2 2 1 1"


def test_it_comes_after_what_is_installed(tmp_path: Path) -> None:
    (tmp_path / "calendar.py").write_text("raise RuntimeError('the wrong one')\n")
    code = READ.partition("import job")[0] + "import calendar; print(calendar.__file__)"
    assert str(tmp_path) not in python(tmp_path, code)


def test_a_folder_that_python_has_looked_into_before(tmp_path: Path) -> None:
    write(tmp_path, 1)
    look = (
        "import sys, importlib.util\nsys.path.append(sys.argv[1])\nassert importlib.util.find_spec('missing') is None\n"
    )
    assert python(tmp_path, look + READ) == "1 1 1 1"
    assert not list(tmp_path.rglob("__pycache__"))
