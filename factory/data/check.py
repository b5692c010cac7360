"""Rules for rows or a table: figures that SQL gives, what they must be, and the rows that break a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from factory.reporters.text import counted
from schemas.findings.meant_times import in_one_unit
from schemas.findings.suggestions import meant

Ask = Callable[[str], list[dict[str, Any]]]
"""Runs a query and gives its rows."""
AS_NUMBER = "CAST({0} AS DECIMAL(38, 19))"
"""A number of a text, with as many digits in front of the point as behind it."""
_LONGEST = 300  # characters of a row that are shown


class CheckError(Exception):
    """Rules that cannot be checked; the text says why."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What is checked. `ask` runs SQL; `table` is its name as SQL writes it, and `quote` the sign around names.
    `names` gives those of the columns, and none where nobody can tell. `no_number`: the condition of text that is none,
    where a database casts it all the same; `as_number` casts it. `has_columns`: whether they are there without rows.
    """

    ask: Ask
    table: str
    names: Callable[[], Sequence[str]]
    quote: str = '"'
    where: str | None = None
    samples: int = 5
    no_number: str | None = None
    as_number: str = AS_NUMBER
    has_columns: bool = True

    def name(self, column: str) -> str:
        """A column's name as SQL writes it. Raises CheckError where there is none: some databases take the name for
        something else then, SQLite for a text, PostgreSQL and DuckDB for the row where it is the table's."""
        known = self.names()
        if known and column.casefold() not in {one.casefold() for one in known}:
            raise CheckError(without_column(column, known))
        return f"{self.quote}{column.replace(self.quote, self.quote * 2)}{self.quote}"

    def source(self, *conditions: str | None) -> str:
        """`FROM` with what is checked, and with more conditions."""
        # On a line of its own, a condition may end with a comment.
        given = [f"({one}\n)" for one in (self.where, *conditions) if one is not None]
        return f"FROM {self.table}" + (f" WHERE {' AND '.join(given)}" if given else "")

    def value(self, expression: str, *conditions: str | None) -> Any:
        """One figure."""
        ((figure,),) = (row.values() for row in self.ask(f"SELECT {expression} AS figure {self.source(*conditions)}"))
        return figure

    def count(self) -> int:
        """The number of rows."""
        try:
            return int(self.value("count(*)"))
        except CheckError:
            if self.has_columns or self.ask(f"SELECT 1 AS found FROM {self.table} LIMIT 1"):
                raise
            return 0

    def breaking(self, condition: str) -> list[dict[str, Any]]:
        """Some of the rows that a condition holds for."""
        return self.ask(f"SELECT * {self.source(condition)} LIMIT {self.samples}") if self.samples else []


def without_column(column: str, known: Iterable[str]) -> str:
    """What is said of a column that is not there."""
    return ", ".join(filter(None, (f"no column `{column}`", meant(column, known))))


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that does not hold: its name, what was found, what is expected, and rows that break it."""

    rule: str
    found: Any
    expected: str
    rows: list[dict[str, Any]] = field(default_factory=list)

    def __str__(self) -> str:
        texts = [", ".join(f"{name}: {value}" for name, value in row.items()) for row in self.rows]
        shown = [f"\n    {text[:_LONGEST]}{'…' if len(text) > _LONGEST else ''}" for text in texts]
        return f"- {self.rule}: found {self.found}, expected {self.expected}{''.join(shown)}"


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules, in the words of the task's keys."""

    columns: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    checks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    row_count: Mapping[str, Any] | None = None
    freshness: Mapping[str, Any] | None = None

    def __len__(self) -> int:
        single = (self.row_count is not None) + (self.freshness is not None)
        return sum(map(len, self.columns.values())) + len(self.checks) + single


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A rule that neither holds nor is broken, because there was no value to look at."""

    rule: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """A rule that cannot be checked: its name, and why."""

    rule: str
    why: str

    def __str__(self) -> str:
        return f"- {self.rule}: cannot be checked: {self.why}"


Finding = Broken | Unchecked | Unclear


def findings(checked: Checked, rules: Rules, rows: int, now: datetime) -> Iterator[Finding]:
    """The rules that do not hold, and those that found nothing to look at."""
    if rules.row_count is not None and not holds(rows, rules.row_count):
        yield Broken("row_count", rows, said(rules.row_count))
    for column, wanted in rules.columns.items():
        for kind, expected in wanted.items():
            yield from _said(f"{column}, {kind}", _column(checked, column, kind, expected, rows))
    for name, check in rules.checks.items():
        for one in _said(name, _statement(checked, name, check)):
            # Where there are neither rows nor columns, no name is known.
            is_known = rows or checked.has_columns or not isinstance(one, Unclear)
            yield one if is_known else Unchecked(name)
    if rules.freshness is not None:
        rule = f"freshness of {rules.freshness['column']}"
        yield from _said(rule, _freshness(checked, rules.freshness, rows, now))


def _said(rule: str, found: Iterator[Finding]) -> Iterator[Finding]:
    """What is found by one rule. One that cannot be checked leaves the others to be checked."""
    try:
        yield from found
    except CheckError as error:
        yield Unclear(rule, str(error))


def _column(checked: Checked, column: str, kind: str, expected: Mapping[str, Any], rows: int) -> Iterator[Finding]:
    rule, name = f"{column}, {kind}", checked.name(column) if rows or checked.has_columns else ""
    figure = checked.value(_FIGURES[kind].format(name)) if name else 0
    if figure is None or (rows == 0 and kind != "distinct_check"):
        yield Unchecked(rule)
        return
    if kind in ("min", "max") and isinstance(figure, str) and _number(figure) is not None:
        # A column of text: its smallest text is not its smallest number.
        if checked.no_number is not None:
            is_other = f"CASE WHEN {checked.no_number.format(name)} THEN 1 ELSE 0 END"
            if others := int(checked.value(f"sum({is_other})")):
                raise CheckError(f"{counted(others, 'value is', 'values are')} text that is no number")
        name = checked.as_number.format(name)
        figure = checked.value(_FIGURES[kind].format(name))
    if holds(figure, expected):
        return
    breaking = _breaking(checked, name, kind, expected)
    yield Broken(rule, figure, said(expected), checked.breaking(breaking) if breaking is not None else [])


def _breaking(checked: Checked, name: str, kind: str, expected: Mapping[str, Any]) -> str | None:
    """The condition of the rows that break a rule, where single rows do."""
    if kind == "null_check":
        return f"{name} IS NULL"
    if kind == "unique_check":
        return f"{name} IN (SELECT {name} {checked.source()} GROUP BY {name} HAVING count(*) > 1)"
    if kind in ("min", "max") and not expected.get("tolerance"):
        sides = {"min": ("geq_to", "<", "greater_than", "<="), "max": ("leq_to", ">", "less_than", ">=")}[kind]
        for key, sign in ((sides[0], sides[1]), (sides[2], sides[3])):
            if expected.get(key) is not None:
                return f"{name} {sign} {expected[key]}"
    return None


_FIGURES: Mapping[str, str] = {
    "null_check": "sum(CASE WHEN {0} IS NULL THEN 1 ELSE 0 END)",
    "unique_check": "count({0}) - count(DISTINCT {0})",
    "distinct_check": "count(DISTINCT {0})",
    "min": "min({0})",
    "max": "max({0})",
}


def _statement(checked: Checked, name: str, check: Mapping[str, Any]) -> Iterator[Finding]:
    statement, partition = check["check_statement"], check.get("partition_clause")
    held = f"CASE WHEN {statement}\n THEN 1 ELSE 0 END AS held"
    (row,) = checked.ask(
        f"SELECT min(held) AS held, count(*) - sum(held) AS broken FROM (SELECT {held} {checked.source(partition)}) q"
    )
    if row["held"] is None:
        yield Unchecked(name)
        return
    if int(row["held"]) == 1:
        return
    found = counted(int(row["broken"]), "row that does not meet it", "rows that do not meet it")
    try:
        rows = checked.breaking(
            " AND ".join(f"({one}\n)" for one in (partition, f"NOT ({statement}\n) OR ({statement}\n) IS NULL") if one)
        )
    except CheckError:  # the statement is about all rows: `sum(price) > 0`
        rows, found = [], "that it does not hold"
    yield Broken(name, found, statement, rows)


_TEXT = "CAST({0} AS CHAR(64))"
_SHAPE = f"length({_TEXT}), substr({_TEXT}, 11, 1), CASE WHEN length({_TEXT}) < 12 THEN '' " + " ".join(
    f"WHEN substr({_TEXT}, length({_TEXT}) - {sign}, 1) IN ('+', '-') THEN substr({_TEXT}, length({_TEXT}) - {sign})"
    for sign in (5, 4, 2)  # of `+02:00`, `+0200` and `+02`, from the end
)
"""What times that are text have in common where the latest is the last by its signs."""
_AHEAD, _AHEAD_OF_UTC = timedelta(hours=1), timedelta(hours=15)
"""How far a time may be ahead: as far as clocks differ, and without a zone as far as a zone is from UTC."""


def _freshness(checked: Checked, freshness: Mapping[str, Any], rows: int, now: datetime) -> Iterator[Broken]:
    column, within = freshness["column"], freshness["within"]
    rule, wanted = f"freshness of {column}", f"within {in_one_unit(int(within.total_seconds()))}"
    times = list(_newest(checked, checked.name(column), column)) if rows or checked.has_columns else []
    if not times:
        yield Broken(rule, "no time", f"one {wanted}")
        return
    newest, is_zoned = max(times)
    is_ahead = newest - now > (_AHEAD if is_zoned else _AHEAD_OF_UTC)
    if is_ahead or now - newest > within:
        yield Broken(rule, f"{newest.isoformat()}{', in the future' if is_ahead else ''}", f"a time {wanted}")


def _newest(checked: Checked, name: str, column: str) -> Iterator[tuple[datetime, bool]]:
    """The newest time of a column, of texts that of each shape, and whether it has a zone. Raises CheckError."""
    asked = f"SELECT max({name}) AS newest, {_TEXT.format(f'max({name})')} AS written {checked.source()}"
    ((newest, text),) = (row.values() for row in checked.ask(asked))
    values = [newest]
    if isinstance(newest, str) and newest == str(text).strip():
        asked = f"SELECT max({name}) AS newest {checked.source()} GROUP BY {_SHAPE.format(name)} ELSE '' END"
        values = [row["newest"] for row in checked.ask(asked)]
    for value in values:
        try:
            moment = datetime.fromisoformat(value) if value not in (None, "") else None
        except (ValueError, TypeError):
            kind = "no times that can be read" if isinstance(value, str) else f"no times, but {type(value).__name__}"
            raise CheckError(f"the column `{column}` holds {kind}") from None
        if moment is not None:
            yield (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)), moment.tzinfo is not None


def holds(figure: Any, expected: Mapping[str, Any]) -> bool:
    """Whether a figure is what is expected, a share of `tolerance` more or less. Raises CheckError."""
    number = _number(figure)
    if number is None:
        raise CheckError(f"`{figure}` is no number")
    if number.is_nan():
        return False
    for key, (_, test) in _TESTS.items():
        if expected.get(key) is not None:
            wanted = Decimal(str(expected[key]))
            if not test(number, wanted, abs(wanted) * Decimal(str(expected.get("tolerance") or 0))):
                return False
    return True


_TESTS: Mapping[str, tuple[str, Callable[[Decimal, Decimal, Decimal], bool]]] = {
    "equal_to": ("", lambda number, wanted, off: abs(number - wanted) <= off if off else number == wanted),
    "greater_than": ("more than ", lambda number, wanted, off: number > (wanted - off if off else wanted)),
    "geq_to": ("at least ", lambda number, wanted, off: number >= (wanted - off if off else wanted)),
    "less_than": ("less than ", lambda number, wanted, off: number < (wanted + off if off else wanted)),
    "leq_to": ("at most ", lambda number, wanted, off: number <= (wanted + off if off else wanted)),
}
"""In words, and of a figure, what it is held against, and how far it may be off. Sums are rounded, so there is none
without need."""


def _number(figure: Any) -> Decimal | None:
    """A figure with all of its digits: a float would make 2^53 of 2^53 + 1."""
    try:
        return Decimal(int(figure)) if isinstance(figure, bool) else Decimal(str(figure))
    except InvalidOperation:
        return None


def said(expected: Mapping[str, Any]) -> str:
    """What is expected, in words."""
    parts = [f"{_TESTS[key][0]}{wanted}" for key, wanted in expected.items() if key in _TESTS and wanted is not None]
    off = f" (give or take {expected['tolerance']:.0%})" if expected.get("tolerance") else ""
    return " and ".join(parts) + off
