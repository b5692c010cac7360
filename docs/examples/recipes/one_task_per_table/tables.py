from airflow.sdk import BaseHook


def copy(table, columns):
    """Replace the table's rows by those of the shop; return how many there are."""
    rows = BaseHook.get_hook("shop").get_records(f"SELECT {', '.join(columns)} FROM {table}")
    warehouse = BaseHook.get_hook("warehouse")
    warehouse.run(f"DELETE FROM {table}")
    warehouse.insert_rows(table, rows, columns)
    return len(rows)


def revenue():
    warehouse = BaseHook.get_hook("warehouse")
    totals = "SELECT country, SUM(amount) FROM orders JOIN customers ON customers.id = orders.customer GROUP BY country"
    warehouse.run(["DELETE FROM revenue", f"INSERT INTO revenue {totals}"])
