"""Where modules are found, and which local ones are never reached."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from schemas.source import Function, Hidden, NameMissing, NotInstalled, SourceReader, Undecidable
from tests.schemas.source.files import write

RUN = "def run(): ...\n"


def place(pipelines: Path, search_path: Iterable[Path], dotted: str) -> Path:
    found = SourceReader(pipelines, [str(entry) for entry in search_path]).find(dotted)
    assert isinstance(found, Function), found
    return found.file


def test_an_installed_module_comes_before_a_local_one(pipelines: Path, site: Path) -> None:
    write(site, {"job.py": RUN})
    write(pipelines, {"job.py": RUN})
    assert place(pipelines, [pipelines, site], "job.run") == site / "job.py"


def test_a_package_comes_before_a_module_and_a_namespace_last(pipelines: Path, site: Path) -> None:
    write(site, {"job/__init__.py": RUN, "job.py": "", "space/part.py": RUN})
    write(pipelines, {"space.py": RUN})
    assert place(pipelines, [site], "job.run") == site / "job" / "__init__.py"
    assert place(pipelines, [site], "space.run") == pipelines / "space.py"


def test_a_namespace_package_is_spread(pipelines: Path, site: Path, tmp_path: Path) -> None:
    write(site, {"vendor/one/a.py": RUN})
    write(tmp_path / "more", {"vendor/one/b.py": RUN})
    write(pipelines, {"vendor/c.py": RUN})
    path = [site, tmp_path / "more"]
    assert place(pipelines, path, "vendor.one.a.run") == site / "vendor/one/a.py"
    assert place(pipelines, path, "vendor.one.b.run") == tmp_path / "more/vendor/one/b.py"
    assert place(pipelines, path, "vendor.c.run") == pipelines / "vendor/c.py"


def test_path_files_and_editable_installs(pipelines: Path, site: Path, tmp_path: Path) -> None:
    source = tmp_path / "src"
    write(source, {"linked.py": RUN, "edited/job.py": RUN, "edited/__init__.py": "", "single.py": RUN})
    mapping = {
        "edited": str(source / "edited"),
        "single": str(source / "single"),
        "job": str(source / "linked"),
    }
    finder = f"MAPPING: dict[str, str] = {mapping!r}\n"
    write(tmp_path / "other" / "site-packages", {"__editable___x_finder.py": finder})
    write(site, {"x.pth": "# comment\nimport os\n../src\n"})
    assert place(pipelines, [site], "linked.run") == source / "linked.py"
    editable = [tmp_path / "other" / "site-packages"]
    assert place(pipelines, editable, "edited.job.run") == source / "edited" / "job.py"
    assert place(pipelines, editable, "single.run") == source / "single.py"
    # An editable install's import hook is asked after the whole search path.
    write(pipelines, {"single.py": RUN})
    assert place(pipelines, editable, "single.run") == pipelines / "single.py"


def test_compiled_modules_and_archives_are_undecidable(pipelines: Path, site: Path, tmp_path: Path) -> None:
    write(site, {"fast.abi3.so": "", "old.pyc": "", "own/__init__.py": "__path__.append('x')\n"})
    reader = SourceReader(pipelines, [str(site)])
    for dotted in ("fast.run", "old.run", "own.part.run", "sys.exit"):
        assert isinstance(reader.find(dotted), Undecidable), dotted
    archive = tmp_path / "lib.zip"
    archive.write_bytes(b"PK")
    assert isinstance(reader.find("zipped.run"), NotInstalled)
    assert isinstance(SourceReader(pipelines, [str(archive)]).find("zipped.run"), Undecidable)


def test_the_default_search_path_leaves_the_working_directory_out(
    pipelines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"stray_module.py": RUN})
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    reader = SourceReader(pipelines)
    assert not isinstance(reader.find("stray_module.run"), Function)
    assert isinstance(reader.find("textwrap.dedent"), Function)


@pytest.mark.parametrize(
    ("file", "dotted", "owner", "other"),
    [
        ("calendar.py", "calendar.run", "the standard library", "calendar"),
        ("calendar/__init__.py", "calendar.run", "the standard library", "calendar"),
        ("http/load.py", "http.load.run", "the standard library", "http"),
        ("schemas.py", "schemas.run", "this project", "schemas"),
        ("factory/x.py", "factory.x.run", "this project", "factory"),
        ("requests.py", "requests.run", "an installed package", "site-packages/requests/__init__.py"),
    ],
)
def test_a_local_module_that_is_never_reached(
    pipelines: Path, site: Path, file: str, dotted: str, owner: str, other: str
) -> None:
    write(site, {"requests/__init__.py": ""})
    write(pipelines, {file: RUN})
    hidden = SourceReader(pipelines, [str(site)]).hidden_by(dotted)
    assert isinstance(hidden, Hidden)
    assert (hidden.name, hidden.owner) == (dotted.partition(".")[0], owner)
    assert hidden.local in {pipelines / file, (pipelines / file).parent}
    assert hidden.other == (str(site.parent / other) if "/" in other else other)


def test_what_hides_nothing(pipelines: Path, site: Path) -> None:
    write(site, {"google/cloud.py": "", "airflow/__init__.py": ""})
    write(pipelines, {"google/job.py": RUN, "hello_etl.py": RUN, "http/orders.yaml": "", "airflow/a.yaml": ""})
    reader = SourceReader(pipelines, [str(site)])
    for dotted in ("google.job.run", "hello_etl.run", "http.server.run", "airflow.sdk.x", "absent.run"):
        assert reader.hidden_by(dotted) is None, dotted


_LOOKED_UP = "    if path := _NAMES.get(name):\n        return path\n"
_REFUSED = "    raise AttributeError(name)\n"


@pytest.mark.parametrize(
    ("body", "is_missing"),
    [
        (_LOOKED_UP + _REFUSED, True),
        ("    path = _NAMES.get(name)\n    if not path:\n    " + _REFUSED + "    globals()[name] = path\n", True),
        ("    try:\n        path = _NAMES[name]\n    except KeyError:\n    " + _REFUSED + "    return path\n", True),
        ("    if name == 'run':\n        return 1\n    if name in ('a', 'b'):\n        return 2\n" + _REFUSED, True),
        ("    if name not in ('run', 'go'):\n    " + _REFUSED + "    return 1\n", True),
        (_LOOKED_UP + "    return getattr(other, name)\n", False),
        (_LOOKED_UP, False),
        ("    if name in _OTHERS:\n        return 1\n" + _REFUSED, False),
        ("    if name.startswith('r'):\n        return 1\n" + _REFUSED, False),
    ],
)
def test_names_that_a_module_finds_when_asked(pipelines: Path, body: str, is_missing: bool) -> None:
    text = f"_NAMES = {{'run': 1}}\n_OTHERS = dict()\ndef __getattr__(name):\n{body}"
    write(
        pipelines,
        {"lazy.py": text, "grows.py": f"{text}\n_NAMES['rum'] = 2\n", "adds.py": f"{text}\nglobals()['rum'] = 2\n"},
    )
    reader = SourceReader(pipelines, [])
    assert isinstance(reader.find("lazy.run"), Undecidable)
    assert isinstance(reader.find("lazy.rum"), NameMissing if is_missing else Undecidable)
    assert isinstance(reader.find("adds.rum"), Undecidable)
    if "_NAMES" in body:
        assert isinstance(reader.find("grows.rum"), Undecidable)
