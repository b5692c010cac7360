"""The functions of the example."""


def extract():
    return [{"id": 1, "amount": 3}]


def clean(rows):
    return [row for row in rows if row["amount"] > 0]


def load(rows):
    return len(rows)
