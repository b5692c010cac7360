"""Plain scalars, held against the tables of YAML 1.2.2, section 10.3.2."""

from __future__ import annotations

import math

import pytest

from schemas.text.nodes import MAX_DIGITS, NumberTooLongError, plain_scalar


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_null(text: str) -> None:
    assert plain_scalar(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("True", True), ("TRUE", True), ("false", False), ("False", False), ("FALSE", False)],
)
def test_booleans(text: str, value: bool) -> None:
    assert plain_scalar(text) is value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-0", 0),
        ("+12", 12),
        ("010", 10),
        ("0o10", 8),
        ("0o777", 511),
        ("0x1F", 31),
        ("0xff", 255),
        ("12345678901234567890", 12345678901234567890),
    ],
)
def test_whole_numbers(text: str, value: int) -> None:
    result = plain_scalar(text)

    assert result == value
    assert type(result) is int


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.", 1.0),
        (".5", 0.5),
        ("-.5", -0.5),
        ("+1.5e3", 1500.0),
        ("1e3", 1000.0),
        ("1E-2", 0.01),
        ("0.0", 0.0),
        ("-.inf", -math.inf),
        (".INF", math.inf),
        ("+.Inf", math.inf),
        ("1e999", math.inf),
    ],
)
def test_decimal_numbers(text: str, value: float) -> None:
    result = plain_scalar(text)

    assert result == value
    assert type(result) is float


@pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN"])
def test_not_a_number(text: str) -> None:
    result = plain_scalar(text)

    assert isinstance(result, float)
    assert math.isnan(result)


@pytest.mark.parametrize(
    "text",
    [
        *("on", "off", "yes", "no", "y", "n", "On", "NO"),
        *("tRue", "nULL", "None", "nan", "inf", ".Nan", "+.nan"),
        *("1:30", "190:20:30", "1_000", "0b11", "0o8", "0xg", "-0x1", "+0o7", "0O7", "0X1"),
        *("2026-01-01", "2026-01-01T00:00:00Z", "1.2.3", "12e", "e3", "1e+", ".", "-", "+", "--1", "1 2"),
        *("<<", "=", "\u0661\u0662", "\uff11", "1\n"),
    ],
)
def test_everything_else_is_text(text: str) -> None:
    assert plain_scalar(text) == text


@pytest.mark.parametrize("text", ["9" * (MAX_DIGITS + 1), "0x" + "f" * MAX_DIGITS, "1." + "0" * MAX_DIGITS])
def test_a_number_that_nobody_means(text: str) -> None:
    with pytest.raises(NumberTooLongError):
        plain_scalar(text)
