"""What databases say, as logs show it: no values of rows and no passwords, and the name that was meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from schemas.findings.suggestions import did_you_mean, nearest

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
    r"(DETAIL:[^\n]*?(?:=|\bcontains\b)|JSON data, line \d+|JSON transform error [^\n]*?\bline \d+:"
    r"|COPY \S+, line \d+(?:, column [^:\n]+)?|QUERY:)(?s:.*)"
    r"|(Original Line:)(?s:.*?)(?=\n *file = |$(?!\n))"
)
"""Where the rows begin that a message ends with."""
_OF_THE_TABLE = re.compile(
    r"(?i)violates|constraint|\bnull\b|default value|is of type|for column|at row|^HINT:|^Candidate|did you mean"
    r"|FATAL:|Access denied|Unknown database"
)
"""Lines whose names are the database's own, whether the statement has them or not."""
_UNQUOTED = re.compile(r"(?:does not exist|too many dotted names\)): *(\S+)$", re.MULTILINE)
_SAID_OF = re.compile(r"^((?:Invalid Input|Conversion) Error: (?!CSV)[^:\"'\n]+: )((?s:.+?))(?=\n+LINE |\Z)")
"""DuckDB's words and the value that they are about, which has no quotes."""
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
    text = _SAID_OF.sub(lambda at: at[0] if is_known(at[2]) else f"{at[1]}…", text)
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
    listed = f"SELECT table_name FROM information_schema.tables WHERE table_schema NOT IN ({own})"
    if found[1]:
        listed = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
    try:
        names = [str(name) for name, *_ in ask(listed)]
    except Exception:  # whatever it is, the first error is the one to tell
        return said
    written = found[2] or found[3] or found[4]
    near = did_you_mean(nearest(written, [one for one in names if one != written and not one.startswith("_")]))
    return f"{said} ({near})" if near else said


_PERCENT = "Where there are `parameters`, write `%%` for a percent sign."
_TIMES = "Python has no such time: select `infinity`, and years before 1 or after 9999, as text (`CAST(day AS text)`)."
_SIGNS = (
    "The character set of the database or the table has no such sign: give it utf8mb4 (ALTER DATABASE … CHARACTER SET "
    "utf8mb4; ALTER TABLE … CONVERT TO CHARACTER SET utf8mb4)."
)
_MEANT = {
    "Incorrect string value": _SIGNS,
    "allowed as placeholders": _PERCENT,
    "unsupported format character": _PERCENT,
    "(after year 10K)": _TIMES,
    "(before year 1)": _TIMES,
}
_PACKAGES = {
    **{one: one for one in ("databricks", "mysql", "oracle", "snowflake", "trino")},
    "gcpbigquery": "google",
    "google_cloud_platform": "google",
    "mssql": "microsoft-mssql",
    "redshift": "amazon",
}
"""Type of connection → which of Airflow's providers has its hook."""


def what_to_write(said: str) -> str:
    """What to write where a driver refuses something and does not say it; empty for other errors."""
    return next((told for sign, told in _MEANT.items() if sign in said), "")


def without_hook(conn_type: str, said: str) -> str:
    """The end of the message that a type of connection has no hook: what to install, or which tasks it is for."""
    if conn_type == "duckdb":
        return ". A connection to DuckDB is for `load`; the task `duckdb` reads its file as `database`"
    package = _PACKAGES.get(conn_type) if "Unknown hook type" in said else None
    return f". Install apache-airflow-providers-{package}" if package else ""
