from airflow.sdk import BaseHook


def upsert(table, key, rows):
    """Insert rows, or replace those that are there. The connection may be PostgreSQL, MySQL, SQLite, …"""
    if not rows:
        return
    columns = list(rows[0])
    BaseHook.get_hook("warehouse").insert_rows(
        table,
        [[row[column] for column in columns] for row in rows],
        target_fields=columns,
        replace=True,
        replace_index=key,
    )
