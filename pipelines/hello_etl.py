"""The steps of hello_etl.yaml. A function's arguments come from `with`; what it returns is its output."""

import logging
import sqlite3
from pathlib import Path

import requests

log = logging.getLogger(__name__)


def extract(url):
    """All pages of the orders at `url`."""
    orders, page, pages = [], 1, 1
    while page <= pages:
        answer = requests.get(url, params={"page": page}, timeout=10)
        answer.raise_for_status()
        body = answer.json()
        orders += body["orders"]
        page, pages = page + 1, body["pages"]
    log.info("extracted %s orders from %s", len(orders), url)
    return orders


def transform(orders):
    """One row for each country: how many orders, and what they are worth together."""
    totals = {}
    for order in orders:
        row = totals.setdefault(order["country"], {"country": order["country"], "orders": 0, "amount": 0.0})
        row["orders"] += 1
        row["amount"] = round(row["amount"] + order["amount"], 2)
    rows = sorted(totals.values(), key=lambda row: row["country"])
    log.info("made %s rows, one for each country", len(rows))
    return rows


def load(rows, folder, dag_run):
    """Replace the day's rows in orders.db, so that a run can be repeated. Airflow gives `dag_run`, the run."""
    day = dag_run.run_after.date().isoformat()
    file = Path(folder) / "orders.db"
    file.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE IF NOT EXISTS orders_by_country (day, country, orders, amount)")
        database.execute("DELETE FROM orders_by_country WHERE day = ?", (day,))
        database.executemany(
            "INSERT INTO orders_by_country VALUES (:day, :country, :orders, :amount)",
            [{"day": day, **row} for row in rows],
        )
    log.info("loaded %s rows for %s into %s", len(rows), day, file)
    return len(rows)
