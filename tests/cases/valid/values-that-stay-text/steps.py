def get():
    return 1


def load(**kwargs):
    return kwargs
