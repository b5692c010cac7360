"""What the examples of the reference call."""

from datetime import date


def sizes(table, day=None):
    return {"table": table, "day": day}


def is_weekday(ds=None):
    return date.fromisoformat(ds).weekday() < 5


def choose(ds=None):
    return "load" if is_weekday(ds) else None


def is_ready(answer):
    return answer.json()["state"] == "done"


def has_rows(value):
    return value > 0


def is_broken(value):
    return value < 0


def first_column(row):
    return row[0]


def same_day(logical_date):
    return logical_date


def tell(text, channel="#data"): ...


def quoted(text):
    return f"'{text}'"


def begin(context): ...


def end(context, result): ...
