"""The functions of the pipeline, for all four ways to write it."""


def extract(day: str) -> list[float]:
    print(f"orders of {day}")
    return [301.27, 433.21]


def total(prices: list[float]) -> float:
    return sum(prices)
