"""`airflow.sdk.Param` objects in `params`: JSON Schemas, as `params` of this project's language are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from schemas.dagfactory.dag_view import DagView, is_unset
from schemas.dagfactory.rules.objects import is_object, mappings
from schemas.dagfactory.rules.schedule import is_scheduled
from schemas.findings.codes import Severity
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.rules.params import check_param, never_rendered


def check(dag: DagView) -> Iterator[Diagnostic]:
    """Params of the DAG, of `default_args` and of tasks. An error where Airflow refuses the DAG: it looks at those of
    the DAG, if a schedule starts runs."""
    if not dag.subject.may_hold("params"):
        return
    asks_nobody = "scheduled runs have nobody to ask" if is_scheduled(dag.data.get("schedule")) else ""
    for path, data in (((), dag.data), *dag.settings):
        params = data.get("params")
        is_error = bool(asks_nobody) and path in ((), ("default_args",))
        for name, param in params.items() if isinstance(params, dict) and not is_object(params) else ():
            is_param = is_object(param) and str(param["__type__"]).endswith(".Param")
            if is_param or isinstance(param, str):
                yield from never_rendered(dag.subject, (*path, "params", name), param)
            if is_param:
                found = _param(dag, (*path, "params", name), param, asks_nobody)
                yield from found if is_error else (replace(one, severity=Severity.WARNING) for one in found)


def _param(dag: DagView, path: DataPath, param: Mapping[str, Any], asks_nobody: str) -> Iterator[Diagnostic]:
    schema: dict[str, Any] = {"description": "", **{key: value for key, value in param.items() if key[:2] != "__"}}
    if any(is_object(one) for _, one in mappings(schema)):
        return  # what it is made of is unknown
    default = schema.get("default")
    if "__args__" in param or is_unset(default) or (default is None and not asks_nobody):
        schema.pop("default", None)
        asks_nobody = asks_nobody if "default" not in param and "__args__" not in param else ""
    yield from check_param(dag.subject, path, schema, asks_nobody)
