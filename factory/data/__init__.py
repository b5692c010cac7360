"""Rows that travel between tasks as files, and the built-in data tasks.

The way in for files: `factory.data.row_files`.

`imported` is for the packages behind the data tasks, each an extra of this project, imported in the task that needs it.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from pipeline_factory import requirement
from schemas.findings.suggestions import did_you_mean, nearest


def imported(module: str, *, task: str, extra: str) -> Any:
    """The module `module`, which the built-in `task` needs.

    Raises AirflowFailException, which names the extra, where its package is not installed: trying again cannot help.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        from airflow.sdk.exceptions import AirflowFailException  # noqa: PLC0415 # few tasks end so

        raise AirflowFailException(
            f"`{task}` needs the extra `{extra}`, which is not installed where this task runs: "
            f"pip install {requirement(extra)}"
        ) from None


_NAMED = (
    "aggregate|argument|bindings:|catalog|collation|column|column name|columns|constraint|cursor|database|did you mean|"
    "domain|extension|field|"
    "file:?|for key|function|host|host name|index|language|mean|named|operator|parameter|partition|pattern|procedure|"
    "relation|role|types|rule|schema|sequence|server at|setting|table|tables|tablespace|trigger|type|user|variable|"
    "view|with name"
)
"""Words before a quoted name, in the messages of PostgreSQL, MySQL, DuckDB and SQLite."""
_QUOTED = r"""(["'`])(?:(?!\{0}).)*\{0}"""
_CUT = 80
"""Characters of the statement that MySQL shows."""
_QUOTE = r"([\"'`])(.+?)\1"  # in MySQL's single quotes the database may stand before the table
_PART = r"(?<![\w\"'(\[{])([\"'])(?!\1)(\W*\w(?:(?!\1).)*)\1(?![\w\"')\]}])"
"""A quoted text that may be a part of the statement, and not one that stands inside a value."""
_NAMES = re.compile(
    rf"\b(?:{_NAMED}) ?{_QUOTED.format(1)}(?:(?:@|, |\.){_QUOTED.format(2)})*|\bnear \"\S*?\""
    r"|in '(?:field list|[a-z]+ (?:clause|statement))'",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"(DETAIL:[^\n]*?(?:=|\bcontains\b)|JSON data, line \d+|COPY \S+, line \d+(?:, column [^:\n]+)?|QUERY:)(?s:.*)"
    r"|(Original Line:)(?s:.*?)(?=\n *file = |$(?!\n))"
)
"""Where the rows begin that a message ends with."""
_OF_THE_TABLE = re.compile(
    r"(?i)violates|constraint|\bnull\b|default value|is of type|for column|at row|^HINT:|^Candidate|did you mean"
    r"|FATAL:|Access denied|Unknown database"
)
"""Lines whose names are the database's own, whether the statement has them or not."""
_UNQUOTED = re.compile(r"(?:does not exist|too many dotted names\)): *(\S+)$", re.MULTILINE)
_LINE = re.compile(r"^LINE \d+:(.*)(?:\n *\^)?", re.MULTILINE)
_NUMBER = re.compile(r"(?<=\bvalue )[-+]?[\d.][\w.+-]*|(?<=\()[-+]?[\d.]\S* [-+*/%^] [^()]*(?=\))")
_LOGIN = re.compile(r"(://[^\s/:@'\"]*:)[^\s'\"]*(?=@)|(\bpassword\s*=\s*)[^\s'\"]+", re.IGNORECASE)


def database_words(error: BaseException, statement: str = "") -> str:
    """What a database says, in one line, for logs: without the values of rows that most databases show in it, and
    without the password of an address.

    A quoted text is data, but for one that is called a name (`column "price"`), and one that is a part of the
    statement, which is known. Between the first and the last such quote nothing is shown: values may have quotes, too.
    A name that the statement does not have, as in `relation "x" does not exist`, is data as well: values become names,
    by `::regclass` for one.
    """
    told = error.args[1] if len(error.args) == 2 and isinstance(error.args[0], int) else error  # MySQL's
    known = statement.casefold()
    is_safe = "duckdb" in type(error).__module__  # others may have put parameters into the statement
    text = _LINE.sub(lambda at: at[0] if is_safe or at[1].strip(" .").casefold() in known else "", str(told))
    text = re.sub(r"\n(?!LINE ).*\n *\^", " …", text)
    kept: list[str] = []

    def is_known(part: str) -> bool:
        cut = "" if len(part) == _CUT else r"(?!\w)"
        return re.search(rf"(?<!\w){re.escape(part.casefold())}{cut}", known) is not None

    def is_name(found: re.Match[str]) -> bool:
        before, _, _ = found.string[: found.start()].rpartition("\n")
        words = re.sub(_QUOTE, "", found.string[len(before) : found.end()] + found.string[found.end() :].split("\n")[0])
        is_file = is_safe and found[0].casefold().startswith("file")
        if not known or is_file or found[0].startswith("in '") or _OF_THE_TABLE.search(words.strip()):
            return True
        quoted = [(one[1], one[2]) for one in re.finditer(_QUOTE, found[0])]
        parts = [(one.split(".")[-1:] if sign == "'" else one.split(".")) for sign, one in quoted]
        return bool(quoted) and all(
            is_known(whole) or all(map(is_known, some)) for (_, whole), some in zip(quoted, parts, strict=True)
        )

    def keep(found: re.Match[str]) -> str:
        kept.append(found[0])
        return f"\0{len(kept) - 1}\0"

    text = _TAIL.sub(r"\1\2 …", text)
    text = _UNQUOTED.sub(lambda at: at[0] if is_known(at[1]) else at[0].replace(at[1], "…"), text)
    text = _NAMES.sub(lambda at: keep(at) if is_name(at) else at[0], text)
    text = re.sub(_PART, lambda at: keep(at) if is_known(at[2]) else at[0], text)
    for quote in ('"', "'"):
        text = re.sub(rf"(?<!\w){quote}(?:(?s:.*){quote}(?!\w)|(?s:.*))", "…", text)
    text = _NUMBER.sub("…", re.sub(r"\0(\d+)\0", lambda at: kept[int(at[1])], text))
    return " ".join(_LOGIN.sub(r"\1\2***", text).split())


_NO_TABLE = re.compile(
    r"(no such table: (?:main\.)?)([^\"'`\s]+)"
    r"|(?<!of )(?<!for )(?:relation|table) \"(?:[^\".]*\.)?([^\".]+)\" does not exist"
    r"|(?:Unknown table '|Table ')(?:[^'.]*\.)?([^'.]+)'(?:$| doesn't exist)"
)


def with_near_name(said: str, ask: Callable[[str], Iterable[Sequence[Any]]]) -> str:
    """What a database says; where that is that there is no table of a name, with the one that was meant. `ask`: runs
    SQL."""
    found = _NO_TABLE.search(said)
    if found is None:
        return said
    own = "'pg_catalog', 'information_schema', 'mysql', 'performance_schema', 'sys'"
    listed = f"SELECT table_name FROM information_schema.tables WHERE table_schema NOT IN ({own})"  # noqa: S608 # ours
    if found[1]:
        listed = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
    try:
        names = [str(name) for name, *_ in ask(listed)]
    except Exception:  # whatever it is, the first error is the one to tell
        return said
    written = found[2] or found[3] or found[4]
    near = did_you_mean(nearest(written, [one for one in names if one != written and not one.startswith("_")]))
    return f"{said} ({near})" if near else said


NUMBER = r"^-?[0-9]+(\.[0-9]+)?$"
FINE_TIME = r"[.,][0-9]{6}[0-9]*[1-9]"
"""Digits behind the second that neither Python's times nor DuckDB's have a place for: both cut them off."""


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
    if is_time or "(" in kind.full:  # a domain and `interval year` cut off, too
        tests.append(f"({plain})::{kind.full} <> {plain}")
    return tests


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
    r"|(U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DECIMAL\(\d+, ?\d+\)))(?=[,)\[]|$)"
)
"""In a type of DuckDB: a quoted name or text, a type of times, or one of numbers that are not floats."""


def lost_in_duckdb(column: str, kind: str) -> list[str]:
    """The same of DuckDB. Of nested values the text is compared with that of what it becomes: a digit that only one of
    them has is lost, one of a text or a float is in both."""
    as_texts = _LEAF.sub(lambda at: "VARCHAR" if at[1] or at[2] else at[0], kind)
    as_floats = _LEAF.sub(lambda at: "DOUBLE" if at[2] else at[0], kind)
    parts = [FINE_TIME] if any(at[1] for at in _LEAF.finditer(kind)) else []
    tests: list[str] = []
    if as_floats != kind:
        tests = [f"{column}::{kind}::{as_floats} <> {column}::{as_floats}"]
        parts.append(r"\b[0-9][0-9.]{15,}\b")  # more digits than a float has
    if parts and not kind.startswith("UNION"):  # which texts are of no certain part of
        zeros = r"regexp_replace(regexp_replace({}::VARCHAR, '(\.[0-9]*[1-9])0+\b', '\1', 'g'), '\.0+\b', '', 'g')"
        texts, kept = (zeros.format(one) for one in (f"{column}::{as_texts}", f"{column}::{kind}::{as_texts}"))
        tests += [f"regexp_extract_all({texts}, '{one}') <> regexp_extract_all({kept}, '{one}')" for one in parts]
    return tests


def arrow_kinds(kind: Any) -> set[str]:
    """The names of a type of Arrow and of those inside it, without the keys of mappings."""
    return {str(kind).partition("<")[0]}.union(*(arrow_kinds(kind.field(at).type) for at in range(kind.num_fields)))


def is_without_fields(kind: Any) -> bool:
    """Whether a type of Arrow is, or holds, a mapping without keys."""
    if kind.num_fields == 0:
        return str(kind) == "struct<>"
    return any(is_without_fields(kind.field(at).type) for at in range(kind.num_fields))


def loses_in_arrow(narrow: Any, wide: Any) -> bool:
    """Whether values of a type would become others: text becomes bytes, and a decimal a float."""
    if narrow.num_fields and narrow.num_fields == wide.num_fields:
        return any(loses_in_arrow(narrow.field(at).type, wide.field(at).type) for at in range(narrow.num_fields))
    return (str(narrow).rstrip("()0123456789, "), str(wide)) in (("string", "binary"), ("decimal", "double"))


OF_FILES = frozenset({type(None), str, bool, int, float, Decimal, datetime, date, UUID, bytes, memoryview, dict})
"""Types of values that drivers give and that files have a form for."""


def written(value: Any) -> Any:
    """What a driver gives as files have it: addresses, ranges and times with a zone as text, as where a task hands them
    on as a value, and a TIME of MySQL, which drivers give as a span, as it writes it."""
    if type(value) in OF_FILES or isinstance(value, str | int | float | Mapping):
        return value
    if isinstance(value, timedelta):
        minutes, seconds = divmod(abs(value) // timedelta(seconds=1), 60)
        fraction = f".{abs(value).microseconds:06}" if value.microseconds else ""
        return f"{'-' * (value < timedelta())}{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{fraction}"
    if isinstance(value, time):
        return value if value.tzinfo is None else value.isoformat()
    if isinstance(value, Sequence | Set):
        return [str(one) if isinstance(one, UUID) else written(one) for one in value]
    return written(value.item()) if hasattr(value, "item") else str(value)


def without_rows(task: Any) -> Exception:
    """What a data task raises that got neither rows nor a file: which task handed on nothing, where that is why."""
    from airflow.sdk.exceptions import AirflowFailException  # noqa: PLC0415 # few tasks end so

    written = _as_written(task)
    for key in ("rows", "file"):
        value = getattr(written, key, None) or getattr(written, "partial_kwargs", {}).get(key)
        for source in _sources(value):
            return AirflowFailException(f"`{key}` is null: the task `{source}` has returned nothing to take")
    return AirflowFailException("neither `rows` nor `file` is given")


def refuse_null_tables(task: Any) -> None:
    """Raise AirflowFailException where one of a task's `tables`, or of its list, is null: it names the task that has
    handed on nothing."""
    from airflow.sdk.exceptions import AirflowFailException  # noqa: PLC0415 # few tasks end so

    for name, value in (task.tables or {}).items():
        entries = value if isinstance(value, list) else [value]
        if None not in entries:
            continue
        number = entries.index(None)
        written = (getattr(_as_written(task), "tables", None) or {}).get(name)
        where = f"`tables.{name}`"
        if isinstance(value, list):
            where = f"entry {number + 1} of {where}"
            written = written[number] if isinstance(written, list) and len(written) == len(value) else None
        said = [f"the task `{source}` has returned nothing to take" for source in _sources(written)]
        raise AirflowFailException(": ".join([f"{where} is null", *said[:1]]))


def _as_written(task: Any) -> Any:
    """The task with its references; in the one that runs, the values are in their places."""
    return task.dag.task_dict.get(task.task_id) if task.has_dag() else None


def _sources(value: Any) -> list[str]:
    from airflow.sdk import XComArg  # noqa: PLC0415 # few tasks end so

    return [source.task_id for source, _ in XComArg.iter_xcom_references(value)]
