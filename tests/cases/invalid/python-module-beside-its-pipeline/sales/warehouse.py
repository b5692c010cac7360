def upsert():
    """Nothing."""
