import functools


def keywords(**anything):
    return anything


class Tools:
    @staticmethod
    def static(x):
        return x


MADE = functools.partial(keywords, x=1)
