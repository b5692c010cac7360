"""Values of which a column would keep a part only: what PostgreSQL and DuckDB round or cut, and say nothing."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from factory.data.columns import FLOAT_DIGITS

NUMBER = r"^-?[0-9]+(\.[0-9]+)?$"
FINE_TIME = r"[.,][0-9]{6}[0-9]*[1-9]"
"""Digits behind the second that neither Python's times nor DuckDB's have a place for: both cut them off."""

TIME_OF_DAY = "[0-9][T ][0-9:.]*[1-9]"
"""A time behind a day, other than midnight."""
_NUMBERS = (
    r"ARRAY(SELECT rtrim(regexp_replace(m[1], '(\.[0-9]*?)0+$', '\1'), '.') "
    r"FROM regexp_matches({}, '[0-9]+(?:\.[0-9]+)?', 'g') m)"
)


def _changed_in_postgres(text: str, value: str, kind: str) -> str:
    """The condition that a text has become another value; empty where a type rounds and cuts nothing by itself."""
    if kind in ("money", "float4", "float8"):
        as_number = f"{value}::numeric" if kind == "money" else f"{value}::text::numeric"
        return f"CASE WHEN {text} ~ '{NUMBER}' THEN {as_number} <> {text}::numeric ELSE {value}::text <> {text} END"
    return f"{value}::text <> {text}" if kind in ("name", "char") else ""


def lost_in_postgres(column: str, kind: Any, form: str) -> list[str]:
    """Conditions of the texts in a column that PostgreSQL would round or cut, and say nothing. `kind`: the type that
    they are to be of; `form`: SQL that makes one of them of that type."""
    inner = kind.written.rpartition(".")[2].strip('_"')
    plain = f"{column}::{kind.written}"
    is_time = inner.startswith(("interval", "time", "tsr", "tst", "tsm"))  # and no `tsvector`
    tests = [f"{column} ~ '{FINE_TIME}'"] if is_time else []
    if kind.name == "array":
        lists = f"json_to_record(json_build_object('v', {column}::json)) AS x(v {kind.written})"
        plain = f"CASE WHEN {column} LIKE '[%' THEN (SELECT v FROM {lists}) ELSE {plain} END"  # noqa: S608 # quoted
        values = f"""jsonb_path_query({column}::jsonb, 'strict $.** ? (@.type() <> "array")'), unnest({form})"""
        lost = _changed_in_postgres("(j #>> '{}')", "v", inner)
        exists = f"EXISTS (SELECT 1 FROM ROWS FROM ({values}) AS l(j, v) WHERE {lost})"  # noqa: S608 # quoted
        tests += [f"CASE WHEN {column} LIKE '[%' THEN {exists} END"] if lost else []
    elif inner not in ("float4", "float8") and (lost := _changed_in_postgres(column, f"({form})", inner)):
        tests.append(lost)
    if is_time or "(" in kind.full or kind.sort == "d":  # a domain and `interval year` cut off, too
        tests.append(f"({plain})::{kind.full} <> {plain}")
    if kind.sort == "c":  # of which there is no form that keeps all digits
        tests.append(f"{_NUMBERS.format(f'({plain})::text')} <> {_NUMBERS.format(column)}")
    if inner.startswith("date"):
        tests.append(f"{column} ~ '{TIME_OF_DAY}'")
    return tests


def loses_digits(text: str) -> str:
    """SQL of DuckDB: whether a number's text is another one when it has been a float."""
    as_float = f"CAST(CAST({text} AS DOUBLE) AS VARCHAR)"
    return f"length({text}) > {FLOAT_DIGITS} AND rtrim({as_float}, '.0') <> rtrim({text}, '.0')"


def is_inexact_in_duckdb(value: Any, kind: Any) -> bool:
    """Whether a value of JSON would lose digits in a type of DuckDB."""
    if isinstance(value, dict):
        inner = dict(kind.children) if kind.id in ("struct", "map") else {}
        return any(is_inexact_in_duckdb(one, inner.get(name, inner.get("value", kind))) for name, one in value.items())
    if isinstance(value, list):
        return any(is_inexact_in_duckdb(one, kind.children[0][1] if kind.id == "list" else kind) for one in value)
    return isinstance(value, Decimal) or (type(value) is int and kind.id == "double" and int(float(value)) != value)


_LEAF = re.compile(
    r"\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'|(?<!\w)(?:(TIME(?:STAMP(?:_\w+)?)?(?: WITH TIME ZONE)?|INTERVAL)"
    r"|(U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DECIMAL\(\d+, ?\d+\))|(DATE))(?=[,)\[]|$)"
)
"""In a type of DuckDB: a quoted name or text, a type of times, one of numbers that are not floats, or of days."""


def lost_in_duckdb(column: str, kind: str) -> list[str]:
    """The same of DuckDB. Of nested values the text is compared with that of what it becomes: a digit that only one of
    them has is lost, one of a text or a float is in both."""
    as_texts = _LEAF.sub(lambda at: "VARCHAR" if at[1] or at[2] or at[3] else at[0], kind)
    as_floats = _LEAF.sub(lambda at: "DOUBLE" if at[2] else at[0], kind)
    parts = [FINE_TIME] if any(at[1] for at in _LEAF.finditer(kind)) else []
    if not parts and any(at[3] for at in _LEAF.finditer(kind)):
        parts = [TIME_OF_DAY]  # beside times, it may be that of one of them
    tests: list[str] = []
    if as_floats != kind:
        tests = [f"{column}::{kind}::{as_floats} <> {column}::{as_floats}"]
        parts.append(r"\b[0-9][0-9.]{15,}\b")  # more digits than a float has
    if parts and not kind.startswith("UNION"):  # which texts are of no certain part of
        zeros = r"regexp_replace(regexp_replace({}::VARCHAR, '(\.[0-9]*[1-9])0+\b', '\1', 'g'), '\.0+\b', '', 'g')"
        texts, kept = (zeros.format(one) for one in (f"{column}::{as_texts}", f"{column}::{kind}::{as_texts}"))
        tests += [f"regexp_extract_all({texts}, '{one}') <> regexp_extract_all({kept}, '{one}')" for one in parts]
    return tests
