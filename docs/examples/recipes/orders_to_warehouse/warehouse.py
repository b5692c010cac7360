from airflow.sdk import BaseHook


def upsert(table, key, rows):
    """Insert rows, or replace those that are there. The connection may be PostgreSQL or SQLite."""
    if not rows:
        return
    columns = list(rows[0])
    warehouse = BaseHook.get_hook("warehouse")
    # Without a unique key SQLite would insert a row a second time. Fails if the table has a key twice already.
    warehouse.run(f"CREATE UNIQUE INDEX IF NOT EXISTS {table}_{key} ON {table} ({key})")
    warehouse.insert_rows(
        table,
        [[row[column] for column in columns] for row in rows],
        target_fields=columns,
        replace=True,
        replace_index=key,
    )
