from airflow.sdk import task

TABLE = "orders"


class Shop:
    pass


def extract():
    return []


def transform(rows, limit=10):
    return rows[:limit]


def load(rows, *, table, ti):
    ti.log.info("%s rows into %s", len(rows), table)


@task
def as_task():
    return 1
