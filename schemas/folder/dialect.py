"""Which documents are dag-factory's: by their shape, or because a comment says so."""

from __future__ import annotations

import re
from typing import Any

DIALECT = "dag-factory"
DEFAULTS_NAMES = ("defaults.yml", "defaults.yaml")
"""The first one in a folder is used."""
NOT_DAGS = ("default", "task_groups")
"""Keys at the top of a document that are not DAG ids for dag-factory."""

GUSTY_SUFFIXES = (".sql", ".py")
OF_GUSTY = "it is a task of gusty: docs/migrating.md shows what to write"
_GUSTY_HEAD = (
    r"\s*---[ \t]*\n(?:(?!---).*\n)*?operator[ \t]*:.*\n(?:(?!---).*\n)*---|"
    r"\s*# ---[ \t]*\n(?:#(?! ---).*\n)*?# ?(?:operator|python_callable|(?:external_)?dependencies)[ \t]*:.*\n"
    r"(?:#(?! ---).*\n)*# ---"
)
_MARK = r"\b(?:operator|decorator)[\"']?[ \t]*:"
_OWN_KEY = r"(?m)^(?:tasks|poll)[ \t]*:"
_USES = r"\b(?:uses|poll)[\"']?[ \t]*:"
_FORCED = r"#[ \t]*factory:[ \t]*dialect[ \t]*=[ \t]*dag-factory[ \t]*"


def is_gusty(text: str) -> bool:
    """Whether the text of a SQL or Python file begins with the settings of a task of gusty."""
    return "---" in text and re.match(_GUSTY_HEAD, text) is not None


def may_be_dag_factory(text: str) -> bool:
    """Whether a text is worth reading as dag-factory's: a cheap test that few other texts pass."""
    if "operator" in text or "decorator" in text:
        return re.search(_MARK, text) is not None or is_forced(text)
    return is_forced(text)


def is_forced(text: str) -> bool:
    """Whether a comment before the first content names the dialect."""
    if "dialect" not in text:
        return False
    for line in text.split("\n", 50)[:50]:
        stripped = line.strip()
        if re.fullmatch(_FORCED, stripped):
            return True
        if stripped and not stripped.startswith(("#", "---", "%")):
            return False
    return False


def has_shape(data: Any) -> bool:
    """Whether the values at the top contain tasks with an `operator` or a `decorator`."""
    if not isinstance(data, dict):
        return False
    return any(_has_operators(value) for key, value in data.items() if key not in ("tasks", "poll"))


def is_defaults(text: str) -> bool:
    """Whether a file named as in DEFAULTS_NAMES is dag-factory's defaults: it contains no DAG and no pipeline."""
    if re.search(_OWN_KEY, text):
        # Tasks for every DAG below; those of a document are inside its DAGs.
        return re.search(_MARK, text) is not None and not re.search(_USES, text) and not is_forced(text)
    return not may_be_dag_factory(text)


def _has_operators(dag: Any) -> bool:
    tasks = dag.get("tasks") if isinstance(dag, dict) else None
    entries = tasks.values() if isinstance(tasks, dict) else tasks if isinstance(tasks, list) else ()
    return any(isinstance(task, dict) and not task.keys().isdisjoint(("operator", "decorator")) for task in entries)
