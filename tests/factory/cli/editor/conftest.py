"""One server for all tests: each has a folder of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.factory.cli.editor.client import PIPELINE, Editor, Run, editor


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with a pipeline, defaults, a function, a SQL file and a test."""
    pipelines = tmp_path / "pipelines"
    (pipelines / "sql").mkdir(parents=True)
    (pipelines / "hello.py").write_text(
        'def extract():\n    return []\n\n\ndef load(rows: list, table: str = "t"):\n    ...\n'
        '\n\ndef count():\n    return {"rows": 1, "more": False}\n'
    )
    (pipelines / "sql" / "top.sh").write_text("date\n")
    (pipelines / "hello_etl.yaml").write_text(PIPELINE)
    (pipelines / "_defaults.yaml").write_text("default_args:\n  retries: 2\nvars:\n  region: eu\n")
    (pipelines / "sql" / "top.sql").write_text("select 1\n")
    (pipelines / "hello_etl.test.yaml").write_text(
        "tests:\n- name: loads\n  task: load\n  given: {tasks: {}}\n  expect:\n    tasks:\n      load: success\n"
        "- name: again\n  task: [extract, load]\n  expect: {tasks: {load: success}, output: {load: {count: 1}}}\n"
    )
    return pipelines


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Runs a session of an editor in a folder."""
    with asyncio.Runner() as runner:
        server = editor(tmp_path_factory.mktemp("nothing"))
        opened = runner.run(server.__aenter__())

        def in_folder(folder: Path, session: Callable[[Editor], Coroutine[Any, Any, None]]) -> None:
            runner.run(session(opened.at(folder)))

        yield in_folder
        runner.run(server.__aexit__(None, None, None))
