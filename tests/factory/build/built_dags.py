"""Pipelines as text, checked and built the way a stub does it."""

from __future__ import annotations

import textwrap
from pathlib import Path

from airflow.sdk import DAG

from factory.build.dag import build
from schemas.check import CheckedPipeline, Checker, CheckOptions
from schemas.model.pipeline import Pipeline
from schemas.text.document import document_from_text


def built(text: str, folder: Path | None = None, path: str = "sales/orders.yaml", **environ: str) -> DAG:
    """The DAG of a pipeline that has to be without errors."""
    result = Checker(folder or Path("/no/such/folder"), CheckOptions(environ=environ)).text(textwrap.dedent(text), path)
    assert not result.has_errors, result.diagnostics
    (pipeline,) = result.pipelines
    return build(pipeline)


def built_unchecked(text: str, folder: Path | None = None) -> DAG:
    """The DAG of a pipeline that may break rules of the language that only the check knows."""
    model = Pipeline.model_validate(document_from_text(textwrap.dedent(text), "orders.yaml").data)
    return build(CheckedPipeline("orders", "sales/orders.yaml", folder or Path("/no/such/folder"), text, model))
