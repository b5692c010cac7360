"""A pipeline's file as its stub has it: the text, what lint says of it, and what the text names."""

from __future__ import annotations

import ast
import contextlib
import re
from typing import Any
from urllib.parse import urlsplit

from factory.reporters.in_force import FINDING, VALUE
from schemas.findings.paths import walk
from schemas.text.document import document_from_text

STUB_SUFFIX = ".py"
"""Of the file behind a pipeline's DAG, as the bundle names it (`factory.bundle.source`)."""
_PLACE = re.compile(r"--> (?P<file>.*?):(?P<line>[0-9]+):[0-9]+$", re.MULTILINE)
_SHOWN = re.compile(r"^r(?P<quotes>'''|\"\"\").*?(?P=quotes)$", re.DOTALL | re.MULTILINE)
CALL = "\nload_stub("
"""What separates, in a stub, the pipeline's text from what lint says of it (`factory.bundle.stubs`)."""


def yaml_of(stub: str) -> str:
    """The pipeline's text in its stub, which the bundle wrote (`factory.bundle.stubs`)."""
    literal = _SHOWN.search(stub)
    if literal is not None:
        return str(ast.literal_eval(literal.group()))[1:]
    return "\n".join(line.removeprefix("#| ") for line in stub.splitlines() if line.startswith("#|"))


def said_of(stub: str, dag_id: str) -> tuple[str, str]:
    """Lint's warnings, and the DAG's values in force, below the text in a stub (`factory.reporters.in_force`)."""
    lines = stub.rpartition(CALL)[2].splitlines()
    warnings = "\n".join(line.removeprefix(FINDING) for line in lines if line.startswith(FINDING))
    documents = "\n".join(line.removeprefix(VALUE) for line in lines if line.startswith(VALUE)).split("\n---\n")
    heads = (f"# {dag_id}\n", f"# {dag_id}, ")
    return warnings, next((document for document in documents if f"{document}\n".startswith(heads)), "")


def file_of(stub: str) -> str:
    return stub.removesuffix(STUB_SUFFIX)


def findings_of(text: str, file: str) -> list[dict[str, Any]]:
    """The findings of a text as lint shows them, each with its line where it names one of the file."""
    found: list[dict[str, Any]] = []
    for block in filter(str.strip, re.split(r"\n\s*\n(?=\S)", text)):
        place = _PLACE.search(block)
        is_here = place is not None and f"/{place['file']}".endswith(f"/{file}")
        found.append({"text": block.strip("\n"), "line": int(place["line"]) if place is not None and is_here else None})
    return found


def uses(text: str) -> dict[str, list[str]]:
    """Connections, tables and hosts that a text names, by the keys that name them."""
    data = document_from_text(text, "").data
    found: dict[str, set[str]] = {"connections": set(), "tables": set(), "hosts": set()}
    for path, value in walk(data).texts:
        key = str(path[-1]) if path else ""
        if key == "conn_id" or key.endswith("_conn_id"):
            found["connections"].add(value)
        elif key == "table":
            found["tables"].add(value)
        elif value.startswith(("http://", "https://")):
            with contextlib.suppress(ValueError):  # a template, such as `https://{{ params['host'] }}/`, is no host
                found["hosts"].add(urlsplit(value).hostname or "")
    return {kind: sorted(filter(None, names)) for kind, names in found.items()}
