def summarize(ti=None):
    return ti
