from airflow.sdk import BaseHook

COLUMNS = {"orders": {"orders": "customer"}, "everything": {"orders": "customer", "customers": "id"}}


def delete(params):
    """Delete what the form says; return how many rows that is."""
    hook = BaseHook.get_hook("warehouse")
    customer = {"customer": params["customer"]}
    rows = 0
    for table, column in COLUMNS[params["scope"]].items():
        where = f"FROM {table} WHERE {column} = :customer"
        rows += hook.get_first(f"SELECT COUNT(*) {where}", customer)[0]
        if not params["dry_run"]:
            hook.run(f"DELETE {where}", parameters=customer)
    return rows
