def choose(params):
    if params["full"]:
        return ["full", "daily"]
    return "daily" if params else None
