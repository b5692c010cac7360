def extract(shop, day, limit=100):
    return [{"shop": shop, "day": day, "amount": amount} for amount in range(limit)]


def clean(rows, columns, *, strict=False):
    return [{column: row[column] for column in columns} for row in rows if row or strict]


def load(rows, table, batch_size=500):
    return {"table": table, "rows": len(rows), "batches": len(rows) // batch_size}


def report(summary, recipients):
    print(summary, recipients)
