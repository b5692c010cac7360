"""The modules that lint says Airflow 3 keeps for a while, against the installed Airflow."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from schemas.rules.dotted_paths import KEPT_MODULES, moved_to
from schemas.source import Class, NotInstalled, SourceReader


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> SourceReader:
    return SourceReader(tmp_path_factory.mktemp("pipelines"))


@pytest.mark.parametrize("module", KEPT_MODULES)
def test_each_class_is_where_lint_says(module: str, reader: SourceReader) -> None:
    text = Path(str(importlib.import_module(module.rpartition(".")[0]).__file__)).read_text()
    new = importlib.import_module(KEPT_MODULES[module])
    names = [name for name in vars(new) if f'"{KEPT_MODULES[module]}.{name}"' in text]

    assert names
    for name in names:
        dotted = f"{module}.{name}"
        found, meant = reader.find(dotted), moved_to(dotted, NotInstalled("airflow", "apache-airflow"))
        if meant is not None:
            assert isinstance(found, Class)
            assert found.path == meant
