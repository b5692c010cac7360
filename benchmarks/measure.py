"""CPU and wall time of child processes, and how results are put side by side and kept."""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

RESULTS = Path(__file__).parent / "results"


class CommandFailedError(Exception):
    """A measured command ended with another status than expected; the text has the end of its output."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds that a command took, and the most memory that it held, in MiB. `cpu` is user and system time of it and of
    every descendant that it waited for."""

    cpu: float
    wall: float
    memory: float


def run(
    command: Sequence[str], *, environment: Mapping[str, str], log: Path, status: int = 0, cwd: Path | None = None
) -> Cost:
    """Run a command to its end, its output in the file `log`. Raises CommandFailedError.

    Python may keep bytecode, whatever the shell says: an installed package has it.
    """
    environment = {name: value for name, value in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with log.open("wb") as output:
        start = time.perf_counter()
        child = subprocess.Popen(  # noqa: S603 # commands of this repository
            command, env=environment, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        _, ended, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(ended)
    if child.returncode != status:
        tail = log.read_text(errors="replace")[-3000:]
        raise CommandFailedError(f"{' '.join(command)} ended with {child.returncode}, not {status}:\n{tail}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def in_turn(rounds: int, cases: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
    """Each case once a round, A B C A B C, so that what else the machine does falls on all of them."""
    found: dict[str, list[T]] = {name: [] for name in cases}
    for number in range(rounds):
        for name, case in cases.items():
            found[name].append(case())
            print(f"  round {number + 1}/{rounds}: {name} done", flush=True)
    return found


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least this many percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def report(name: str, result: Mapping[str, Any], *, keep: bool) -> None:
    """Print a result, and with `keep` make it the last result of the benchmark."""
    text = json.dumps({**result, "machine": machine()}, indent=2)
    print(text)
    if keep:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.json").write_text(text + "\n")


def report_part(name: str, part: str, result: Mapping[str, Any], *, keep: bool) -> None:
    """Print a part of a benchmark that takes too long for one run, and with `keep` put it in place of its last result,
    with when and of which commit it is; the other parts stay."""
    entry = {**result, "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M}, {commit()}, {machine()}"}
    print(json.dumps({part: entry}, indent=2), flush=True)
    if keep:
        path = RESULTS / f"{name}.json"
        parts = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps({**parts, part: entry}, indent=2, sort_keys=True) + "\n")


def commit() -> str:
    """The commit that is measured, in words."""
    words = ["git", "describe", "--always", "--exclude=*", "--dirty= and changes"]
    return subprocess.run(words, cwd=RESULTS, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603


def machine() -> str:
    """In words, with how busy others kept it: times are only worth comparing within one run."""
    return f"{os.cpu_count()} cores, load of the last 15 minutes {os.getloadavg()[2]:.1f}"


def arguments(description: str | None) -> argparse.ArgumentParser:
    """The options that all benchmarks have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="few pipelines, one round, nothing kept: does it run?")
    parser.add_argument("--rounds", type=int, help="how often each case is measured")
    return parser
