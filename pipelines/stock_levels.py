"""The functions of stock_levels.yml."""


def count():
    """Articles and how many of each there are."""
    return {"apples": 120, "bread": 4, "coffee": 9}


def low(levels, least):
    """The articles of which there are fewer than `least`."""
    return sorted(article for article, number in levels.items() if number < least)
