"""Values come out of a database as they went in, or the load fails and names their column; what `columns` says."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from airflow.sdk.exceptions import AirflowException

from .warehouses import ORDERS, Warehouse, load

SEOUL, MARQUESAS = timezone(timedelta(hours=9)), timezone(-timedelta(hours=9, minutes=30))
INSTANTS = [
    "2026-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999999-05:30",
    "0001-01-02 00:00+00:00",
    "9999-12-30T23:59:59Z",
]
SIGNS = [
    "",
    " ",
    "a ",
    "'",
    '"',
    "\\",
    "\\N",
    "NULL",
    "e\u0301",
    "😀",
    "\t",
    "\n",
    "\r\n",
    "%s",
    "%%",
    ":x",
    "\x01",
    "\ufeff",
]
MOMENTS = [datetime(2026, 3, 29, 2, 30, 0, 1, UTC), datetime(1969, 7, 20, tzinfo=SEOUL), datetime(1, 1, 2, tzinfo=UTC)]
COLUMNS: Mapping[str, list[Any]] = {
    "whole": [0, -1, 2**31, -(2**63), 2**63 - 1, 2**53 + 1],
    "large": [0, 2**63, -(2**63) - 1, 10**37],
    "huge": [1, 10**38, -(10**60) - 1],
    "real": [0.0, 0.1, 1 / 3, -1e-300, 5e-324, 1e15, 1e16, 1e22, 1.7976931348623157e308, 2.2250738585072014e-308],
    "whole_or_real": [0.1, 3, 10**15 - 1, -7, 1e-7],
    "large_or_real": [0.1, 2**53 + 1, 10**16 + 1],
    "exact": [Decimal(0), Decimal("1.10"), Decimal("12345678901234567890.123456789"), Decimal("1E+5")],
    "fine": [Decimal("0.12345678901234567890123"), Decimal("-99999.5"), 1],
    "beyond": [Decimal("1E+50"), Decimal("1E-30"), Decimal("2.5")],
    "exact_or_real": [Decimal("1.5"), 0.30000000000000004, 3, 1e-5],
    "text": [*SIGNS, "2026-01-01", "12", "1.50", "true", "x" * 300, "y" * 70_000, "안" * 200_000],
    "truth": [True, False],
    "truth_or_number": [True, False, 0, 1, 2],
    "instant": INSTANTS,
    "instant_or_text": [*INSTANTS, "soon"],
    "moment": [*MOMENTS, datetime(9999, 12, 30, 23, 59, 59, 999999, UTC), datetime(2026, 1, 1, tzinfo=MARQUESAS)],
    "local": [datetime(2026, 3, 29, 2, 30), datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)],
    "moment_or_local": [datetime(2026, 3, 29, 2, 30), datetime(2026, 3, 29, 2, 30, tzinfo=SEOUL)],
    "day": [date(2026, 1, 1), date(1, 1, 1), date(9999, 12, 31)],
    "day_or_moment": [date(2026, 1, 1), datetime(2026, 1, 1, 5)],
    "clock": [time(0), time(23, 59, 59, 999999), time(12, 30)],
    "clock_of_a_zone": [time(12, 30, tzinfo=SEOUL), time(1)],
    "bytes": [b"", b"\x00\xff'\\", bytes(range(256)), b"abc" * 30_000],
    "nested": [{}, [], {"a": None}, {"é": [1, 2.5, True, None, "x'\"\\\n"]}, [{"n": 2**70}], {"": 0}, ["z" * 70_000]],
    "anything": [1, "a", 0.5, True, {"a": 1}, [1], date(2026, 1, 1)],
    "id_of_128_bits": [UUID(int=5), UUID(int=2**127)],
    "nothing": [None],
}


@pytest.mark.parametrize("seed", range(2))
def test_every_value_comes_back(warehouse: Warehouse, seed: int) -> None:
    choose = random.Random(seed)  # noqa: S311 # the same rows each time
    first = _rows(choose, 0, 12)
    assert load(first, run_id="r1")["rows_loaded"] == len(first)
    # What the second load brings goes into the columns that the first has made, or into others beside them.
    second = _rows(choose, len(first), 40)
    loaded = load(second, run_id="r2")
    assert (loaded["rows_loaded"], loaded["values_discarded"]) == (len(second), 0)
    names = _columns(warehouse)
    quote = "`" if warehouse.kind == "mysql" else '"'
    kept = warehouse.rows("orders", ", ".join(f"{quote}{name}{quote}" for name in names))
    assert len(kept) == len(first) + len(second)
    for row, values in zip([*first, *second], kept, strict=True):
        found = dict(zip(names, values, strict=True))
        for column in COLUMNS:
            there = [found[name] for name in names if name == column or name.startswith(f"{column}__v_")]
            there = [value for value in there if value is not None]
            given = row.get(column)
            assert len(there) == (given is not None), (column, given, there)
            assert given is None or _same(given, there[0]), (column, given, there[0])


UNKEPT: Mapping[str, Any] = {
    "NUL": "a\x00b",
    "half a character": "\ud800",
    "not a number": math.nan,
    "infinite": -math.inf,
    "of Python": object(),
    "nested": {"n": math.nan},
}


@pytest.mark.parametrize("name", UNKEPT)
def test_a_value_without_a_form_in_a_database_is_kept_or_named(warehouse: Warehouse, name: str) -> None:
    load([{"id": 1}])
    rows = [{"id": 2, "odd": None}, {"id": 3, "odd": UNKEPT[name]}, {"id": 4, "odd": UNKEPT[name]}]
    refusal = None
    try:
        load(rows, run_id="r2")
    except AirflowException as error:
        refusal = str(error)
    if refusal is not None:
        assert "`odd`" in refusal
        assert warehouse.rows("orders") in ([(1,)], [(1, None)])
    else:
        kept = [value for (value,) in warehouse.rows("orders", "odd")]
        assert kept[:2] == [None, None]
        assert _same(UNKEPT[name], kept[2])
        assert len(kept) == 4


def _rows(choose: random.Random, start: int, number: int) -> list[dict[str, Any]]:
    """Rows with nulls and without some columns; the first ones have hardly a value."""
    rows = []
    for n in range(start, start + number):
        share = 0.2 if n - start < 3 else 0.8
        given = {name: choose.choice(values) for name, values in COLUMNS.items() if choose.random() < share}
        rows.append({"id": n, **given, **dict.fromkeys(choose.sample(sorted(given), min(2, len(given))))})
    return rows


def _columns(warehouse: Warehouse) -> list[str]:
    if warehouse.kind == "sqlite":
        return [row[1] for row in warehouse.run("PRAGMA table_info(orders)")]
    asked = "SELECT column_name FROM information_schema.columns WHERE table_name = 'orders'"
    return [name for (name,) in warehouse.run(asked)]


def _same(given: Any, kept: Any) -> bool:
    kept = bytes(kept) if isinstance(kept, memoryview | bytearray) else kept
    test = next((test for kind, test in _TESTS if isinstance(given, kind)), None)
    forms = [kept]
    if isinstance(kept, str):  # a column of JSON, or one of text
        forms += [form for form in (_json(kept),) if form is not None]
    return any(form == given or (test is not None and test(given, form)) for form in forms)


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError:
        return None


def _number(given: Any, kept: Any) -> bool:
    exact = Decimal(repr(given)) if isinstance(given, float) else Decimal(given)
    if isinstance(kept, float):
        return kept == given or (math.isnan(kept) and exact.is_nan())
    return Decimal(kept) == exact or (exact.is_nan() and Decimal(kept).is_nan())


def _moment(given: datetime, kept: Any) -> bool:
    found = datetime.fromisoformat(kept) if isinstance(kept, str) else kept
    if not isinstance(found, datetime):
        return False
    zone = UTC if given.tzinfo is not None or found.tzinfo is not None else None
    ours, theirs = (one.replace(tzinfo=one.tzinfo or zone) for one in (given, found))
    return ours == theirs


def _clock(given: time, kept: Any) -> bool:
    found = (datetime.min + kept).time() if isinstance(kept, timedelta) else kept
    return given == (time.fromisoformat(found) if isinstance(found, str) else found)


def _text(given: str, kept: Any) -> bool:
    return given in INSTANTS and _moment(datetime.fromisoformat(given), kept)


def _nested(given: Any, kept: Any) -> bool:
    plain = json.loads(json.dumps(given), parse_float=Decimal)
    return bool(plain == json.loads(json.dumps(kept, default=str), parse_float=Decimal))


_TESTS: tuple[tuple[Any, Callable[[Any, Any], bool]], ...] = (
    (bool, lambda given, kept: kept == int(given) or kept == str(given).lower()),
    (int | float | Decimal, _number),
    (datetime, _moment),
    (date, lambda given, kept: str(kept) == given.isoformat()),
    (time, _clock),
    (str, _text),
    (UUID, lambda given, kept: str(kept) == str(given)),
    (dict | list, _nested),
)


def test_columns_name_nothing_that_is_not_there(warehouse: Warehouse, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AirflowException, match=r"`columns` names `Price`, .* the table have: did you mean `price`"):
        load(ORDERS, columns={"Price": "decimal"})
    assert warehouse.tables() == set()
    load(ORDERS, columns={"refund": "decimal", "price": "decimal", "prices": "text", "custmer": "text"})
    log = capsys.readouterr().out
    assert "`columns` names `refund`, which neither the rows nor the table have" in log
    assert "`columns` names `prices`, which neither the rows nor the table have" in log
    assert (
        log.count("did you mean")
        == log.count("`custmer`, which neither the rows nor the table have: did you mean")
        == 1
    )
    load([{"id": 3}], columns={"price": "decimal"}, run_id="r2")
    assert "`columns`" not in capsys.readouterr().out
    load([{"id": 4}], columns={"pricee": "decimal"}, run_id="r3")
    assert "neither the rows nor the table have: did you mean `price`?" in capsys.readouterr().out


def test_columns_that_contradict_the_table_are_said(warehouse: Warehouse, capsys: pytest.CaptureFixture[str]) -> None:
    kinds = ("text", "bigint", "double", "decimal", "bool", "timestamp", "date", "time", "json", "binary")
    columns: dict[str, Any] = {kind: kind for kind in kinds}
    columns["money"] = {"data_type": "decimal", "precision": 12, "scale": 2}
    rows = [
        {
            **dict.fromkeys(("text", "bigint", "double", "decimal", "money"), 1),
            **{"bool": True, "timestamp": "2026-01-01T00:00:00Z", "date": "2026-01-01", "time": "10:00:00"},
            **{"json": {"a": 1}, "binary": b"a"},
        }
    ]
    load(rows, columns=columns)
    load(rows, columns=columns, run_id="r2")
    assert "`columns`" not in capsys.readouterr().out
    load(rows, columns={"double": "text", "bigint": "double"}, run_id="r3")
    log = " ".join(capsys.readouterr().out.split())
    assert "`columns` says that `double` is of type text, and the table has it as double" in log
    assert "`columns` says that `bigint` is of type double, and the table has it as bigint" in log
    if warehouse.kind != "sqlite":  # where a decimal is a float or text
        load(rows, columns={"money": {"data_type": "decimal", "precision": 20, "scale": 4}}, run_id="r4")
        log = " ".join(capsys.readouterr().out.split())
        assert "`money` is of type decimal(20, 4), and the table has it as decimal(12, 2)" in log


def test_texts_that_all_look_like_another_type_are_said_once(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {
            "id": 1,
            "day": "2026-01-02",
            "at": "2026-01-02T03:04:05",
            "clock": "03:04:05",
            "price": "1.50",
            "zip": "12345",
        },
        {"id": 2, "day": None, "at": "2026-01-02 03:04:05.5", "clock": "23:59:59.25", "price": "-0.5", "zip": "7"},
    ]
    types = {"day": "date", "at": "timestamp", "clock": "time", "price": "decimal"}
    load(rows)
    log = " ".join(capsys.readouterr().out.split())
    said = [
        f"`columns: {{{name}: {kind}}}` makes a new table's column one of that type" for name, kind in types.items()
    ]
    assert [log.count(one) for one in said] == [1, 1, 1, 1]
    assert log.count("is a column of text") == 4
    load(rows, run_id="r2")
    load(rows, table="typed", columns=types)
    load([{"id": 1, "day": "2026-02-30", "at": "25:00", "clock": "10 Uhr"}], table="words")
    assert "is a column of text" not in capsys.readouterr().out
    assert str(warehouse.rows("typed")[0][1]).startswith("2026-01-02")
    load([{"id": 3, "day": "01/02/2026"}], table="typed", columns=types, run_id="r3")
    log = " ".join(capsys.readouterr().out.split())
    assert "they are in `day__v_text`. Convert them first." in log
    assert "`columns` can say" not in log
