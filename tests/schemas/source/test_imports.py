"""Which local files importing a module loads."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.source import SourceReader

FILES = {
    "job.py": (
        "import helper\nimport team.tools.text as t\nimport json, calendar, absent\n"
        "def run():\n    from lazy import x\n"
    ),
    "helper.py": "from job import run\n",
    "lazy.py": "from team import tools, nothing\n",
    "calendar.py": "import never\n",
    "never.py": "",
    "team/__init__.py": "from .names import *\n",
    "team/names.py": "from . import more\nfrom .. import outside\nfrom ... import beyond\n",
    "team/more.py": "def broken(:\n",
    "team/tools/text.py": "from ..deep.own import y\n",
    "team/deep/own.py": "",
    "alone.py": "",
    "uses_installed.py": "import installed\n",
}


@pytest.mark.parametrize(
    ("dotted", "expected"),
    [
        (
            "job.run",
            "job helper lazy team/__init__ team/names team/more team/tools/text team/deep/own",
        ),
        ("team.deep.own.y", "team/__init__ team/names team/more team/deep/own"),
        ("team.deep", "team/__init__ team/names team/more"),
        ("alone.run", "alone"),
        ("alone", "alone"),
        ("uses_installed.run", "uses_installed"),
        ("absent.run", ""),
        ("json.dumps", ""),
    ],
)
def test_local_modules(tmp_path: Path, dotted: str, expected: str) -> None:
    pipelines = tmp_path / "pipelines"
    for name, text in FILES.items():
        (pipelines / name).parent.mkdir(parents=True, exist_ok=True)
        (pipelines / name).write_text(text, encoding="utf-8")
    site = tmp_path / "site-packages"
    site.mkdir()
    for name in ("json", "calendar"):
        (site / f"{name}.py").write_text("", encoding="utf-8")
    (site / "installed.py").write_text("import alone\n", encoding="utf-8")
    found = SourceReader(pipelines, [str(site)]).local_modules(dotted)
    assert {file.relative_to(pipelines).with_suffix("").as_posix() for file in found} == set(expected.split())
