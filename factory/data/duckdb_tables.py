"""Rows and files as tables of DuckDB, each column in a type that keeps what is written.

DuckDB's readers of CSV and JSON make floats of numbers that have more digits than a float keeps, and guess dates where
a day may be a month. Such a column is read as a DECIMAL here, or as text.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from factory.data.columns import FLOAT_DIGITS
from factory.data.csv_headers import csv_delimiter, first_line
from factory.data.lost_digits import is_inexact_in_duckdb, loses_digits
from factory.data.places import RowFileError, format_of
from factory.data.row_files import may_be_odd, read_rows
from factory.data.sql import quoted, text_literal

_DECIMAL_DIGITS = 38  # the most of DuckDB's DECIMAL
_TOO_MANY_DIGITS = f"numbers of more than {_DECIMAL_DIGITS} digits: write them as text"
_LARGEST_OBJECT = 128 << 20  # bytes of the longest line of JSON


class DuckdbError(Exception):
    """A query that DuckDB refused, or a table that cannot be read; the text says which."""


def _second_of_a_name(names: Iterable[str]) -> list[str]:
    """Columns that may be called `A_1` for `A`, because another one is called `a`."""
    folded = {one.casefold() for one in names}
    return [one for one in names if (found := re.fullmatch(r"(.+)_\d+", one)) and found[1].casefold() in folded]


def named_alike(connection: Any, name: str, paths: Sequence[str]) -> Iterator[str]:
    """What is said of two columns that differ by letter case alone: DuckDB calls the second `A_1`."""
    asked = "SELECT column_name FROM duckdb_columns() WHERE database_name = 'temp' AND table_name = ?"
    others = _second_of_a_name([one for (one,) in connection.execute(asked, [name]).fetchall()])
    if not others:
        return
    kind, listed = format_of(paths[0])[0], _listed(paths)
    keys = f"SELECT DISTINCT unnest(json_keys(json)) FROM {_objects(listed)}"
    asked = f"SELECT name FROM parquet_schema({listed})" if kind == "parquet" else keys
    rows = [] if kind == "csv" else connection.execute(asked).fetchall()
    written = [one for (one,) in rows] or [one for path in paths for one in next(read_rows(path), ())]
    spelt: dict[str, set[str]] = {}
    for one in written:
        spelt.setdefault(one.casefold(), set()).add(one)
    for alike in (sorted(some) for some in spelt.values() if len(some) > 1):
        said = " and ".join(f"`{one}`" for one in alike)
        yield f"the columns {said} of the table `{name}` are one name to SQL; one of them is `{others[0]}` here"


_ALL = "sample_size = -1"
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = "[0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,6}0*)?)?"
_ZONE = "(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
_GUESSED = {
    "BOOLEAN": "[Tt]rue|TRUE|[Ff]alse|FALSE",
    "DATE": _DAY,
    "TIME": "[0-9]{2}:[0-9]{2}:[0-9]{2}([.,][0-9]{1,6}0*)?",
    "TIMESTAMP": f"{_DAY}([T ]{_CLOCK})?",
    "TIMESTAMP WITH TIME ZONE": f"{_DAY}[T ]{_CLOCK}{_ZONE}",
}
"""Types that DuckDB also guesses for `01/02/2026` or `yes`, without zones or digits → texts that mean one thing."""
_AS_FLOAT = "TRY_CAST({0} AS DOUBLE)"
_WRITTEN = {
    "BIGINT": "coalesce(regexp_full_match(trim({0}), '-?[0-9]+'), true)",
    "DOUBLE": f"({{0}} IS NULL OR CASE WHEN isinf({_AS_FLOAT}) OR {_AS_FLOAT} = 0 "
    f"THEN NOT regexp_matches({{0}}, '[1-9].*[eE]') ELSE {_AS_FLOAT} IS NOT NULL END)",
}
"""Types that DuckDB also guesses for `0x1F` and `1e400`, which is no float → SQL that is true where a text says what
they keep."""


NESTED = ("struct", "map", "list", "array")


def type_text(kind: Any, leaf: Callable[[str], str] = str) -> str:
    """A type of DuckDB as SQL writes it; `leaf` gives another one for a type that has none inside."""
    if kind.id not in NESTED:
        return leaf(str(kind))
    inner = [(name, type_text(one, leaf) if hasattr(one, "id") else one) for name, one in kind.children]
    if kind.id == "struct":
        return f"STRUCT({', '.join(f'{quoted(name)} {one}' for name, one in inner)})"
    if kind.id == "map":
        return f"MAP({', '.join(str(one) for _, one in inner)})"
    if kind.id == "list":
        return f"{inner[0][1]}[]"
    return f"{inner[0][1]}[{inner[1][1]}]"  # an array


def _as_text(leaf: str) -> str:
    return "VARCHAR" if leaf == "UUID" or leaf in _GUESSED else leaf


def _listed(paths: Sequence[str]) -> str:
    """As DuckDB takes files: signs of a pattern in a name are a part of it."""
    return f"[{', '.join(text_literal(glob.escape(path)) for path in paths)}]"


def _objects(listed: str) -> str:
    return f"read_json_objects({listed}, maximum_object_size = {_LARGEST_OBJECT})"


def _has_null_rows(connection: Any, listed: str) -> bool:
    asked = f"SELECT 1 FROM {_objects(listed)} WHERE json_type(json) = 'NULL' LIMIT 1"
    return bool(connection.execute(asked).fetchall())


def _refuse_wide(connection: Any, listed: str) -> None:
    """Raise DuckdbError where Parquet has decimals of more digits than DuckDB's have: it would read them as floats."""
    asked = f"SELECT name FROM parquet_schema({listed}) WHERE precision > {_DECIMAL_DIGITS} LIMIT 1"
    for (name,) in connection.execute(asked).fetchall():
        raise DuckdbError(f"the column `{name}` has {_TOO_MANY_DIGITS}")


def reader(connection: Any, paths: Sequence[str]) -> str:
    """The table function that reads files of one format, each column in a type that keeps what is written."""
    formats = {format_of(path)[0] for path in paths}
    if len(formats) > 1:
        raise DuckdbError(f"the files of one table must be of one format, not {', '.join(sorted(formats))}")
    (kind,) = formats
    listed = _listed(paths)
    if kind == "parquet":
        _refuse_wide(connection, listed)
        return f"read_parquet({listed}, union_by_name = true)"
    options = f"{listed}, union_by_name = {len(paths) > 1}"
    options += _csv_options(paths) if kind == "csv" else f", maximum_object_size = {_LARGEST_OBJECT}"
    options += ", format = 'newline_delimited'" if kind == "jsonl" else ""
    function = "read_csv" if kind == "csv" else "read_json"
    plain, own = f"{function}({options}, {_ALL})", f"{options}, hive_partitioning = false"
    of_files = f"{function}({own}, {_ALL})"  # without what the names of folders say, which has its types
    types = _types(connection, of_files)
    is_odd = any(map(may_be_odd, paths))
    is_null = is_odd and kind != "csv" and _has_null_rows(connection, listed)
    if is_null or list(types) == ["json"]:  # values that are no rows, as a rule, which `load` refuses
        for _ in read_rows(list(paths)):
            pass
    given = {name: str(one) for name, one in types.items()}
    if kind == "csv":
        if set(given.values()) == {"VARCHAR"} and not connection.sql(f"SELECT * FROM {of_files}").limit(1).fetchall():
            # Without a row each column is one of text, which SQL for numbers or times refuses; null is of any type.
            return f"(SELECT {', '.join(f'NULL AS {quoted(name)}' for name in given)} WHERE false)"
        as_text = f"read_csv({own}, all_varchar = true)"
        exact = _guessed(connection, types, as_text, _WRITTEN)
        numbers = {name: kind for name, kind in types.items() if name not in exact}
        exact |= _exact_csv(connection, numbers, as_text) if is_odd else {}
        if len(paths) > 1:  # which need not have the same columns
            return f"read_csv({options}, {_ALL}, types = {_struct(exact)})" if exact else plain
        return f"read_csv({options}, columns = {_struct(given | exact)})"
    exact = _exact_json(types, paths) if is_odd and _has_odd_numbers(connection, listed) else {}
    if list(given) == ["json"] or _second_of_a_name(given):  # which are no keys
        return plain
    given = {name: type_text(one, lambda leaf: "VARCHAR" if leaf == "UUID" else leaf) for name, one in types.items()}
    given |= dict.fromkeys(_of_scalars(connection, types, of_files), "VARCHAR")
    texts = {name: type_text(one, _as_text) for name, one in types.items()}
    given |= _guessed(connection, types, f"read_json({own}, columns = {_struct(texts)})")
    return f"read_json({options}, columns = {_struct(given | exact)})"


def _csv_options(paths: Sequence[str]) -> str:
    """How DuckDB reads CSV: as `load` does, by its header and RFC 4180. Its own guess takes a row that begins with `#`
    for a comment, makes one column of rows that are cut off, or leaves out what is before them."""
    heads = {path: first_line(path) for path in paths}
    delimiters = {csv_delimiter(path, head) for path, head in heads.items()}
    if len(delimiters) > 1:
        raise RowFileError("the files of one table must have the same character between their columns")
    (delimiter,) = delimiters
    form = "header = true, skip = 0, comment = '', quote = '\"', escape = '\"', strict_mode = true"
    return f", {form}, null_padding = false, delim = {text_literal(delimiter)}"


def _types(connection: Any, reader: str) -> dict[str, Any]:
    """DuckDB's types by column."""
    read = connection.sql(f"SELECT * FROM {reader}")
    return dict(zip(read.columns, read.types, strict=True))


def _guessed(
    connection: Any, types: Mapping[str, Any], as_text: str, numbers: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """The columns with a type in `_GUESSED`, nested too, or in `numbers`, and a text that is not of its form: such
    texts stay texts."""
    tests = {name: _held(quoted(name), kind) for name, kind in types.items()}
    tests |= {name: numbers[str(kind)].format(quoted(name)) for name, kind in types.items() if str(kind) in numbers}
    held = {name: sql for name, sql in tests.items() if sql}
    if not held:
        return {}
    asked = ", ".join(f"bool_and({sql})" for sql in held.values())
    answers = zip(held, connection.execute(f"SELECT {asked} FROM {as_text}").fetchone(), strict=True)
    others = [name for name, answer in answers if answer is False]
    return {name: "VARCHAR" if str(types[name]) in numbers else type_text(types[name], _as_text) for name in others}


def _held(place: str, kind: Any, depth: int = 0) -> str:
    """SQL that is true where the texts in a place have the form of the type; empty where it is none of `_GUESSED`."""
    if str(kind) in _GUESSED:
        return f"coalesce(regexp_full_match(trim({place}), '{_GUESSED[str(kind)]}'), true)"
    if kind.id == "struct":
        parts = [_held(f"struct_extract({place}, {text_literal(name)})", one, depth) for name, one in kind.children]
        return " AND ".join(filter(None, parts))
    if kind.id not in ("list", "map") or not (sql := _held(f"x{depth}", kind.children[-1][1], depth + 1)):
        return ""
    values = place if kind.id == "list" else f"map_values({place})"
    return f"coalesce(list_bool_and(list_transform({values}, lambda x{depth}: {sql})), true)"


def _of_scalars(connection: Any, types: Mapping[str, Any], plain: str) -> list[str]:
    """The columns of values of several types, none of which is nested: as JSON, their texts would have quotes."""
    names = [name for name, kind in types.items() if str(kind) == "JSON"]
    if not names:
        return []
    asked = ", ".join(f"coalesce(bool_or(json_type({quoted(name)}) IN ('OBJECT', 'ARRAY')), false)" for name in names)
    answers = connection.execute(f"SELECT {asked} FROM {plain}").fetchone()
    return [name for name, is_nested in zip(names, answers, strict=True) if not is_nested]


def _exact_csv(connection: Any, types: Mapping[str, Any], as_text: str) -> dict[str, str]:
    """The columns that would be read as floats and lose digits, each with a type that keeps them."""
    exact: dict[str, str] = {}
    for name in (name for name, kind in types.items() if kind.id == "double"):
        text = f"trim({quoted(name)})"
        whole = f"max(length(regexp_replace(split_part({text}, '.', 1), '[^0-9]', '', 'g')))"
        after = f"max(CASE WHEN {text} LIKE '%.%' THEN length({text}) - strpos({text}, '.') ELSE 0 END)"
        asked = f"SELECT bool_or({loses_digits(text)}), bool_or({text} ILIKE '%e%'), {whole}, {after} FROM {as_text}"
        loses, has_exponent, before, behind = connection.execute(asked).fetchone()
        if loses:
            fits = not has_exponent and before + behind <= _DECIMAL_DIGITS
            exact[name] = f"DECIMAL({_DECIMAL_DIGITS},{behind})" if fits else "VARCHAR"
    return exact


def _has_odd_numbers(connection: Any, listed: str) -> bool:
    """Whether JSON has numbers that a float cannot hold, of some of which DuckDB's reader makes floats."""
    lines = (
        f"read_csv({listed}, columns = {{'line': 'VARCHAR'}}, delim = '\x01', quote = '', escape = '', header = false"
    )
    lines += f", max_line_size = {_LARGEST_OBJECT}, auto_detect = false)"
    number = f"-?[0-9]+[.][0-9]+|-?[0-9]{{{FLOAT_DIGITS + 1},}}"
    numbers = f"SELECT unnest(regexp_extract_all(line, '{number}')) AS number FROM {lines}"
    loses = f"SELECT 1 FROM ({numbers}) WHERE {loses_digits('number')}"
    exponent = f"SELECT 1 FROM {lines} WHERE regexp_matches(line, '[0-9][eE][+-]?[0-9]{{3}}')"
    return bool(connection.execute(f"{loses} UNION ALL {exponent} LIMIT 1").fetchall())


def _exact_json(types: Mapping[str, Any], paths: Sequence[str]) -> dict[str, str]:
    """A type for each column of JSON that has numbers which would lose digits. Raises DuckdbError."""
    digits: dict[str, tuple[int, int]] = {}
    inexact: set[str] = set()
    for row in read_rows(list(paths)):
        for name, value in row.items():
            kind = types.get(name)
            if kind is None:
                raise DuckdbError(
                    f"two columns are named `{name}`, in upper or in lower case: DuckDB has one name for them"
                )
            if is_inexact_in_duckdb(value, kind):
                if kind.id != "double":
                    raise DuckdbError(
                        f"the column `{name}` has a number with more digits than a float keeps: write it as text"
                    )
                inexact.add(name)
            if kind.id == "double" and value is not None:
                whole, after = digits.get(name, (0, 0))
                _, figures, exponent = Decimal(str(value)).as_tuple()
                digits[name] = (max(whole, len(figures) + int(exponent)), max(after, -int(exponent)))
    for name in inexact:
        if sum(digits[name]) > _DECIMAL_DIGITS:
            raise DuckdbError(f"the column `{name}` has {_TOO_MANY_DIGITS}")
    return {name: f"DECIMAL({_DECIMAL_DIGITS},{digits[name][1]})" for name in inexact}


def _struct(types: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{text_literal(name)}: {text_literal(kind)}" for name, kind in types.items()) + "}"
