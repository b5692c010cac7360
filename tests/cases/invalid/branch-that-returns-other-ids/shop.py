def choose(params):
    if params["full"]:
        return "ful"
    if params["later"]:
        return ["later", "full"]
    return "daily" if params else None
