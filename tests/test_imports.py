"""A package imports only from those above it in the tables of docs/architecture.md; no modules import in a circle."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
TOPS = ("schemas", "factory")
ROW = re.compile(r"^\| `(?P<name>\w+)` \|", re.MULTILINE)
MOST_AT_TOP = 14
LEAST_LINES_ON_AVERAGE = 200
MOST_LINES = 300


def order(top: str) -> list[str]:
    """The packages of a top folder as docs/architecture.md lists them, each above those that may import it."""
    section = PAGE.partition(f"`{top}/`\n")[2].partition("\n## ")[0]
    return ROW.findall(section)


def modules(top: str) -> dict[str, Path]:
    paths = {path: path.relative_to(ROOT).with_suffix("").parts for path in (ROOT / top).rglob("*.py")}
    return {".".join(parts).removesuffix(".__init__"): path for path, parts in paths.items()}


EVERY = {**modules("schemas"), **modules("factory")}


def imported(module: str) -> Iterator[str]:
    """Our own modules that a module imports, wherever in the file it does."""
    for node in ast.walk(ast.parse(EVERY[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in EVERY else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@functools.cache
def imports() -> dict[str, set[str]]:
    return {module: {found for found in imported(module) if found in EVERY and found != module} for module in EVERY}


def package(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("top", TOPS)
def test_the_table_lists_every_package(top: str) -> None:
    assert sorted(order(top)) == sorted({package(module) for module in modules(top)} - {""})


@pytest.mark.parametrize("top", TOPS)
def test_a_package_imports_only_from_those_above_it(top: str) -> None:
    rank = {name: position for position, name in enumerate(order(top))}
    back_up = [
        f"{module} imports {found}"
        for module in modules(top)
        for found in imports()[module]
        if found.startswith(f"{top}.") and package(module) and rank[package(found)] > rank[package(module)]
    ]

    assert back_up == []


def test_every_place_that_the_page_names_exists() -> None:
    named = re.findall(r"`((?:schemas|factory|tests|text|compose)/[\w/.]*)`", PAGE)
    places = [ROOT / ("schemas" if name.startswith(("text/", "compose/")) else "") / name for name in named]
    rows = re.findall(r"^\| `(\w+)` \|(.*)$", PAGE, re.MULTILINE)
    files = [(package, file) for package, text in rows for file in re.findall(r"`(\w+\.py)`", text)]

    assert [str(place) for place in places if not place.exists()] == []
    assert set(re.findall(r"`(\w+\.py)`", PAGE)) <= {path.name for path in EVERY.values()}
    assert [f for package, f in files if not any((ROOT / top / package / f).exists() for top in TOPS)] == []


def test_the_language_imports_nothing_of_the_factory() -> None:
    assert not [module for module in modules("schemas") if any(f.startswith("factory") for f in imports()[module])]


def test_no_modules_import_in_a_circle() -> None:
    try:
        TopologicalSorter(imports()).prepare()
    except CycleError as error:
        pytest.fail(f"these import each other: {' → '.join(error.args[1])}")


@pytest.mark.parametrize("top", TOPS)
def test_a_top_folder_holds_few_packages_and_modules(top: str) -> None:
    entries = {path.relative_to(ROOT / top).parts[0] for path in modules(top).values()}

    assert len(entries) <= MOST_AT_TOP


def test_the_code_is_not_in_fragments() -> None:
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in EVERY.values())

    assert lines / len(EVERY) >= LEAST_LINES_ON_AVERAGE


def test_no_file_is_too_long_for_one_concept() -> None:
    files = [file for top in (*TOPS, "tests", "benchmarks", "scripts") for file in (ROOT / top).rglob("*.py")]
    lengths = {file.relative_to(ROOT).as_posix(): len(file.read_text(encoding="utf-8").splitlines()) for file in files}
    assert {file: number for file, number in lengths.items() if number > MOST_LINES} == {}


def test_pytest_passes_no_test_over(pytestconfig: pytest.Config) -> None:
    """Its list of folders that hold no tests has names of packages, such as `build`."""
    folders = {parent.name for file in (ROOT / "tests").rglob("test_*.py") for parent in file.relative_to(ROOT).parents}
    passed_over = [name for name in folders for one in pytestconfig.getini("norecursedirs") if fnmatch(name, one)]

    assert passed_over == []


def test_what_is_named_in_texts_is_there() -> None:
    """Classes that are found by their dotted path, as in a serialized DAG or in what `convert` writes."""
    named = re.compile(r"factory(?:\.[a-z_]+)+\.[A-Z]\w+")
    texts = [
        node.value
        for path in EVERY.values()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and named.fullmatch(node.value)
    ]
    lost = []
    for text in texts:
        module, _, name = text.rpartition(".")
        tree = ast.parse(EVERY[module].read_text(encoding="utf-8")) if module in EVERY else ast.Module([], [])
        lost += [] if f"class {name}" in ast.unparse(tree) or f"import {name}" in ast.unparse(tree) else [text]

    assert len(texts) > 10
    assert lost == []
