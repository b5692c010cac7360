def many(**kwargs):
    return kwargs
