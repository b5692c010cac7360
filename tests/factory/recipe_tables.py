"""What the databases of recipes hold before a run, by recipe."""

from __future__ import annotations

TABLES = {
    "nightly_sql": """
        CREATE TABLE orders (id, customer, amount, day, cancelled);
        INSERT INTO orders VALUES (1, 7, 10, '2026-01-05', 0), (2, 7, 5, '2026-01-05', 0), (3, 8, 2, '2026-01-05', 0),
            (4, 8, 99, '2026-01-05', 1), (5, 7, 50, '2026-01-04', 0);
        CREATE TABLE customers (id, country);
        INSERT INTO customers VALUES (7, 'de'), (8, 'kr');
        CREATE TABLE revenue (day, country, amount);
        INSERT INTO revenue VALUES ('2026-01-05', 'DE', 1), ('2026-01-04', 'DE', 50);
        """,
    "regions": """
        CREATE TABLE stock (region, article, count INTEGER);
        INSERT INTO stock VALUES ('seoul', 'tea', 1), ('boston', 'tea', 3);
        """,
    "file_fan_out": "CREATE TABLE deliveries (file, article, count INTEGER);",
    "weekday_branch": "CREATE TABLE catalogue_loads (day, what);",
    "training_on_assets": """
        CREATE TABLE orders (customer);
        INSERT INTO orders VALUES (1), (2), (2), (3), (3), (3);
        CREATE TABLE survey (customer, score);
        INSERT INTO survey VALUES (1, 3), (2, 5), (3, 7);
        CREATE TABLE features (customer, orders);
        CREATE TABLE labels (customer, score);
        CREATE TABLE models (slope REAL, intercept REAL);
        """,
    "hourly_windows": """
        CREATE TABLE clicks (page, clicked_at);
        INSERT INTO clicks VALUES ('/', '2026-01-05 00:59:59+00:00'), ('/', '2026-01-05 01:00:00+00:00'),
            ('/', '2026-01-05 01:30:00+00:00'), ('/cart', '2026-01-05 01:59:59+00:00'),
            ('/', '2026-01-05 03:00:00+00:00');
        CREATE TABLE clicks_per_hour (hour, page, clicks);
        """,
    "one_task_per_table": """
        CREATE TABLE orders (id INTEGER, customer INTEGER, amount INTEGER);
        INSERT INTO orders VALUES (99, 99, 99);
        CREATE TABLE customers (id INTEGER, country);
        CREATE TABLE returns (id INTEGER, order_id INTEGER);
        CREATE TABLE revenue (country, amount INTEGER);
        """,
    "temporary_table": """
        CREATE TABLE orders (id INTEGER, amount INTEGER, currency);
        INSERT INTO orders VALUES (1, 5, 'EUR'), (2, 1700, 'KRW');
        CREATE TABLE orders_in_cents (id INTEGER PRIMARY KEY, amount INTEGER);
        """,
    "manual_job": """
        CREATE TABLE orders (customer);
        INSERT INTO orders VALUES (7), (7), (8);
        CREATE TABLE customers (id);
        INSERT INTO customers VALUES (7), (8);
        """,
    "per_environment": "CREATE TABLE rates (currency PRIMARY KEY, rate INTEGER);",
}
