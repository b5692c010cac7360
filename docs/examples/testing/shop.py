def without_refunds(rows):
    return [row for row in rows if row["amount"] > 0]
