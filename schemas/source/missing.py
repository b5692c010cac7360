"""What to say about a module that is not there."""

from __future__ import annotations

from schemas.source.modules import Module, ModuleFinder
from schemas.source.results import ModuleMissing, NotInstalled, Undecidable

_PROVIDERS = "airflow.providers"

# The folders inside a provider; the parts before one of them name the provider.
_FAMILIES = frozenset({"apache", "atlassian", "cncf", "common", "dbt", "microsoft"})
"""Names below `airflow.providers` that hold several distributions each."""
_BROUGHT = {"kubernetes": "apache-airflow-providers-cncf-kubernetes"}
"""Modules whose objects are written in pipelines (`executor_config`, pods) → the provider that brings them."""


def missing_module(
    finder: ModuleFinder, missing: str, parent: Module | None, wanted: str | None = None
) -> ModuleMissing | NotInstalled | Undecidable:
    """The result for the module `missing`, first of the dotted path `wanted` that does not exist.

    A top-level name that no local module resembles is an error only where Airflow is installed: elsewhere
    (lint in CI) the installed packages say nothing about what the pipeline will find. A distribution can
    also add to a namespace package (`airflow.providers`, `google.cloud`), so a module missing there may
    just not be installed here.
    """
    near = finder.near(missing, parent)
    if parent is None:
        if finder.has_archives:
            return Undecidable(f"{missing} may be inside a zip file on the search path")
        optional = missing == "airflow" or missing in _BROUGHT
        if not optional and (near or finder.installed_module("airflow")):
            return ModuleMissing(missing, None, near, local=bool(near))
        return NotInstalled(missing, _distribution(wanted or missing))
    if parent.open_ended or (not parent.readable and not parent.is_namespace):
        return Undecidable(f"{parent.name} decides itself where its submodules are")
    if parent.is_namespace and not parent.local:
        return NotInstalled(missing, _distribution(wanted or missing), near)
    return ModuleMissing(missing, parent.name, near, local=parent.local)


def _distribution(dotted: str) -> str:
    parts = dotted.split(".")
    if not dotted.startswith(f"{_PROVIDERS}."):
        return "apache-airflow" if parts[0] == "airflow" else _BROUGHT.get(parts[0], parts[0])
    count = 2 if parts[2] in _FAMILIES else 1
    return "-".join(("apache-airflow-providers", *parts[2 : 2 + count])).replace("_", "-")
