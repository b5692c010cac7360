"""What the examples of the reference call."""


def sizes(table, day=None): ...


def is_weekday(ds=None): ...


def choose(ds=None): ...


def is_ready(answer): ...


def has_rows(value): ...


def is_broken(value): ...


def first_column(row): ...


def same_day(logical_date):
    return logical_date


def tell(text, channel="#data"): ...


def quoted(text):
    return f"'{text}'"


def begin(context): ...


def end(context, result): ...
