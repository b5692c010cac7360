def made():
    return {"day": "2026-01-31", "size": 1}
