def transform(rows, *, limit: int = 10):
    return rows[:limit]


def load(rows, ti, logical_date=None):
    ti.log.info("%s rows on %s", len(rows), logical_date)
