"""The functions of the YAML pipelines in this folder; the Python files beside them have theirs inside, as is usual."""

from __future__ import annotations

import time
from typing import Any


def extract() -> dict[str, float]:
    return {"1001": 301.27, "1002": 433.21}


def transform(orders: dict[str, float]) -> dict[str, float]:
    return {"total": sum(orders.values())}


def load(total: float) -> None:
    print(f"{total:.2f}")


def say_hello() -> None:
    print("hello")


def choose(choices: list[str]) -> str:
    return choices[0]


def choose_by_minute(logical_date: Any) -> str:
    return "even" if logical_date.minute % 2 == 0 else "odd"


def answer(value: Any) -> Any:
    return value


def add_one(x: int) -> int:
    return x + 1


def multiply(x: int, factor: int) -> int:
    return x * factor


def numbers() -> list[int]:
    return [1, 2, 3]


def add_up(values: list[int]) -> int:
    return sum(values)


def look(seconds: int) -> bool:
    time.sleep(seconds)
    return True


def push(ti: Any) -> None:
    ti.xcom_push(key="rows", value=[1, 2, 3])


def compare(rows: list[int], word: str) -> None:
    print(rows, word)


def tell(context: dict[str, Any], who: str = "everybody") -> None:
    print(who, context["ti"].task_id)


def shout(text: str) -> str:
    return text.upper()


def names(params: dict[str, Any]) -> list[str]:
    return list(params["names"])


def languages(params: dict[str, Any]) -> list[str]:
    return [f"greet_in_{language}" for language in ("english", "german") if params[language]]


def greet(name: str) -> str:
    return f"Hello {name}"


def print_all(greetings: list[list[str]]) -> None:
    print(greetings)


def write_events(outlet_events: Any) -> None:
    print(outlet_events)


def read_events(inlet_events: Any) -> None:
    print(inlet_events)


def start_cluster() -> str:
    return "cluster-1"


def stop_cluster(cluster: str) -> None:
    print(cluster)


def work_on(cluster: str) -> None:
    print(cluster)


def on_missed(context: dict[str, Any], channel: str) -> None:
    print(channel, context)
