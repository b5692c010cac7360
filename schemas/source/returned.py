"""What a function says that it returns."""

from __future__ import annotations

import ast

from schemas.source.results import Function

_MAPPINGS = ("dict", "Dict", "Mapping", "typing.Dict", "typing.Mapping")


def gives_mapping(function: Function) -> bool:
    """Whether the annotation of what it returns is a mapping, which Airflow's `task` decorator takes for
    `multiple_outputs` (`airflow.sdk.bases.decorator._TaskDecorator`)."""
    try:
        tree = ast.parse(function.file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    name = function.path.rpartition(".")[2]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name and node.returns is not None:
            return ast.unparse(node.returns).partition("[")[0] in _MAPPINGS
    return False
