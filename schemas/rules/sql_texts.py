"""SQL that nothing can read, where sqlglot, which the extra `load` brings, is installed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from types import MappingProxyType

from schemas.compose.env_values import EnvText
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.rules.subject import Subject

_DIALECTS: Mapping[str, str] = MappingProxyType({"duckdb": "duckdb", "sql": "", "chart": ""})
"""Built-in → sqlglot's dialect; of a connection only the run knows which it is."""
_VALUE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_LONGEST = 20_000
"""Characters of SQL that are read."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Findings in the SQL of `sql`, `duckdb` and `chart`, where it is in the file."""
    for task in subject.tasks:
        dialect = _DIALECTS.get(str(task.uses))
        if dialect is None:
            continue
        sql = task.arguments.get("sql")
        for place, text in [((), sql), *((((n,), one) for n, one in enumerate(sql)) if isinstance(sql, list) else ())]:
            if isinstance(text, str) and _is_readable(text):
                fault = _fault(_VALUE.sub("x", text), dialect)
                if fault is not None:
                    path = (*task.with_path, "sql", *place)
                    yield subject.finding(Code.BAD_SQL, path, f"this does not look like SQL: {fault}")


def _is_readable(text: str) -> bool:
    is_file = text.rstrip().endswith(".sql")
    return not (is_file or isinstance(text, EnvText) or "{%" in text or "${" in text or len(text) > _LONGEST)


def _fault(text: str, dialect: str) -> str | None:
    """What is wrong with the text, and where; None where it can be read, or where nobody here can tell."""
    if find_spec("sqlglot") is None:
        return None
    import logging  # noqa: PLC0415 # as below

    import sqlglot  # noqa: PLC0415 # only files with SQL pay for it
    from sqlglot.errors import ParseError, TokenError  # noqa: PLC0415

    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # what it does not know it takes for a command, and says so
    try:
        sqlglot.parse(text, dialect=dialect or None)
    except TokenError:
        return "a quote is not closed"
    except ParseError as error:
        found = error.errors[0] if error.errors else {}
        near = str(found.get("highlight") or "").strip()
        line = f" in line {found['line']}" if "\n" in text.strip() and found.get("line") else ""
        return f"it breaks off at `{near}`{line}" if near else f"it is not complete{line}"
    return None
