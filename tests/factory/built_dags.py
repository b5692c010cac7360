"""Pipelines as text, checked and built the way a stub does it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

from airflow.sdk import DAG

from factory.build import build
from schemas.check import Checker, CheckOptions


def built(text: str, folder: Path | None = None, path: str = "sales/orders.yaml", **environ: str) -> DAG:
    """The DAG of a pipeline that has to be without errors."""
    return _built(textwrap.dedent(text), folder or Path("/no/such/folder"), path, environ, read_sources=True)


def built_unread(text: str, folder: Path | None = None) -> DAG:
    """The DAG as at a task start: `uses` and `with` are not held against sources."""
    return _built(textwrap.dedent(text), folder or Path("/no/such/folder"), "sales/orders.yaml", {}, read_sources=False)


def _built(text: str, folder: Path, path: str, environ: Mapping[str, str], *, read_sources: bool) -> DAG:
    result = Checker(folder, CheckOptions(environ=environ, read_sources=read_sources)).text(text, path)
    assert not result.has_errors, result.diagnostics
    (pipeline,) = result.pipelines
    return build(pipeline)
