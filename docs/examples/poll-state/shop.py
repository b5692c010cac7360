import os
import sqlite3

DATABASE = os.environ.get("SHOP_DATABASE", "shop.db")


def load(rows: list[dict]) -> None:
    with sqlite3.connect(DATABASE) as database:
        database.execute("CREATE TABLE IF NOT EXISTS orders (id PRIMARY KEY, updated_at)")
        # With a key, an order that arrives twice is one row.
        database.executemany("INSERT OR REPLACE INTO orders VALUES (:id, :updated_at)", rows)


def publish(prices: dict) -> None:
    print(f"{len(prices)} prices")


def report(catalogue: dict) -> None:
    print(f"version {catalogue['version']}")


def announce(stock: dict) -> None:
    print(f"{len(stock)} articles")
