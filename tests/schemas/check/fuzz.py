"""Throws texts at the reader and the checker; run as a program, so that a crash of the C parser ends only it.

    python -m tests.schemas.check.fuzz MODE SEED SECONDS PROGRESS

MODE is `bytes`, `fragments`, `pipelines` or `hostile`; the SEED of the last is a number, N for every Nth of its texts.
The file PROGRESS keeps the number of the text under way: text N of a seed is always the same.
"""

from __future__ import annotations

import gc
import json
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from factory.reporters import full
from factory.reporters.full import concise
from schemas.check import Checker, CheckOptions
from schemas.findings.diagnostics import Diagnostic, Span
from schemas.text.document import Document, document_from_bytes, document_from_text
from schemas.text.lines import TextLines
from tests.schemas.text import yaml_oracle
from tests.schemas.text.hostile_texts import hostile

MEMORY = 512 << 20
"""Bytes of address space, twice as much as the most that a file of 1 MiB took: what needs more has been bombed."""
SLOWEST = 4.0
"""Seconds of CPU for one check where `_pace` is `PACE`: four times what the largest text takes, so that only what
grows faster than the text is found. Other work makes CPU slower, too, so the least of some tries counts."""
TRIES = 5
PACE = 0.015
LEAST = 150
"""Texts, however long they take."""
COLLECTED_EVERY, COLLECTED_ABOVE = 100, 100_000
"""Texts, and characters of one."""

CASES = Path(__file__).parents[2] / "cases"

FRAGMENTS = (
    *(
        "- ",
        "-",
        ": ",
        ":",
        "? ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        ",",
        "&a ",
        "*a",
        "&b ",
        "*b ",
        "<<: ",
        "<<",
        "!!x ",
        "!",
        "!!int ",
    ),
    *(
        '"',
        "'",
        '"a"',
        "'b'",
        "\\",
        '"\\u0041"',
        "|\n",
        ">-\n",
        "|2\n",
        "#",
        " #c",
        "%",
        "@",
        "`",
        "---\n",
        "...\n",
        "%YAML 1.1\n",
    ),
    *(
        "\n",
        "\n  ",
        "\n    ",
        "\n- ",
        "\n  - ",
        "\r\n",
        "\r",
        "\t",
        " ",
        "  ",
        "\x85",
        "\u2028",
        "\u2029",
        "\ufeff",
        "\x00",
        "\ud800",
    ),
    *(
        "a",
        "key",
        "b: 1",
        "주문",
        "📦",
        "1",
        "010",
        "1.5",
        "0x1",
        "true",
        "no",
        "null",
        "~",
        "${env.A}",
        "{{ ds }}",
        ".inf",
        "1:30",
    ),
)
COMMON = (
    "- ",
    ": ",
    "\n",
    "\n  ",
    "a",
    "b",
    "key: ",
    "x",
    "1",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "&a ",
    "*a",
    "'q'",
    "no",
    "<<: *a\n",
)


def from_bytes(chance: random.Random) -> str | bytes:
    length = chance.choice((1, 3, 10, 100, 2000))
    if chance.random() < 0.5:
        return chance.randbytes(length)
    return bytes(chance.choice(b"-:?{}[],&*!|>'\"%@`# \t\n\rabc019\xc3\xa9\xed\xa0") for _ in range(length))


def from_fragments(chance: random.Random) -> str | bytes:
    pool = COMMON if chance.random() < 0.7 else FRAGMENTS
    return "".join(chance.choice(pool) for _ in range(chance.choice((3, 6, 10, 20, 60))))


def from_pipelines(chance: random.Random) -> str | bytes:
    text = list(chance.choice(_seeds()))
    for _ in range(chance.randint(1, 4)):
        place, length = chance.randrange(len(text) + 1), chance.choice((0, 1, 1, 5, 40))
        match chance.randrange(4):
            case 0:
                text[place : place + length] = []
            case 1:
                text[place:place] = chance.choice(FRAGMENTS)
            case 2:
                text[place : place + length] = chance.choice(FRAGMENTS)
            case _:
                text[place:place] = text[place : place + length]
    return "".join(text)


MODES: dict[str, Callable[[random.Random], str | bytes]] = {
    "bytes": from_bytes,
    "fragments": from_fragments,
    "pipelines": from_pipelines,
}


def _seeds() -> list[str]:
    if not _texts:
        _texts.extend(p.read_bytes().decode() for p in sorted(CASES.rglob("*.y*ml")))
    return _texts


_texts: list[str] = []


def judge(text: str | bytes, checker: Checker) -> bool:
    """Read and check one text; whether the oracle could be asked. Raises AssertionError for what is wrong."""
    document = document_from_bytes(text, "a.yaml") if isinstance(text, bytes) else document_from_text(text, "a.yaml")
    _all_inside(document.diagnostics)
    if isinstance(text, str):
        diagnostics = _checked_in_time(text, checker)
        _all_inside(diagnostics)
        _shown(diagnostics)
    if document.diagnostics:
        assert document.data is None
        return False
    _positions(document)
    return _agrees(document)


def _checked_in_time(text: str, checker: Checker) -> tuple[Diagnostic, ...]:
    for _ in range(TRIES):
        started = time.process_time()
        diagnostics = checker.text(text, "a.yaml").diagnostics
        taken = time.process_time() - started
        if taken < SLOWEST or taken < SLOWEST * _pace() / PACE:
            return diagnostics
    raise AssertionError("too slow")


def _pace() -> float:
    """Seconds of CPU that the same work takes here and now."""
    taken = []
    for _ in range(3):
        started = time.process_time()
        sum(len(str(number)) for number in range(200_000))
        taken.append(time.process_time() - started)
    return min(taken)


def _all_inside(diagnostics: tuple[Diagnostic, ...]) -> None:
    lines = {text: TextLines(text) for text in {finding.text for finding in diagnostics}}
    for finding in diagnostics:
        _inside(finding.span, lines[finding.text])


def _inside(span: Span, lines: TextLines) -> None:
    assert span.line == 1 or lines.line_start(span.line) > 0, span
    assert 1 <= span.column <= len(lines.line_text(span.line)) + 1, span
    assert span.end_column > span.column, span


def _shown(diagnostics: tuple[Diagnostic, ...]) -> None:
    assert bool(full.render(diagnostics)) == bool(diagnostics)
    assert len(concise(diagnostics).split("\n")) == max(1, len(diagnostics))


def _positions(document: Document) -> None:
    lines = TextLines(document.text)
    for path in islice(_paths(document.data, ()), 200):
        _inside(document.value_span(path), lines)
        _inside(document.key_span(path), lines)


def _paths(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from _paths(child, (*path, key))


def _agrees(document: Document) -> bool:
    if len(document.text) > 20_000:
        return False  # the oracle is slow
    try:
        expected = yaml_oracle.read(document.text)
    except (yaml.YAMLError, yaml_oracle.NotComparableError, RecursionError, ValueError):
        return False
    assert json.dumps(document.data, sort_keys=True) == json.dumps(expected, sort_keys=True)
    return True


def main(mode: str, seed: str, seconds: str, progress: str) -> None:
    """`LEAST` texts of a mode, and more until the seconds are over (`hostile`: all of them); prints how many, and how
    many compared."""
    gc.disable()  # as lint does, for one file of many; here it is called between them
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (int(float(seconds)) + 120, int(float(seconds)) + 121))
    under_way = os.open(progress, os.O_WRONLY | os.O_CREAT)
    ends = time.monotonic() + float(seconds)
    compared = number = 0
    fixed = list(hostile())[:: int(seed)] if mode == "hostile" else []
    with tempfile.TemporaryDirectory() as folder:
        checker = Checker(Path(folder), CheckOptions(environ={"A": "1"}))
        while number < len(fixed) if mode == "hostile" else number < LEAST or time.monotonic() < ends:
            os.pwrite(under_way, f"{number:10d}".encode(), 0)
            text = fixed[number] if fixed else MODES[mode](random.Random(f"{seed}:{number}"))  # noqa: S311
            try:
                compared += judge(text, checker)
            except Exception as error:
                error.add_note(f"text {number} of seed {seed}: {text[:300]!r} ({len(text)} long)")
                raise
            number += 1
            if number % COLLECTED_EVERY == 0 or len(text) > COLLECTED_ABOVE:
                gc.collect()
    print(json.dumps({"texts": number, "compared": compared}))


if __name__ == "__main__":
    main(*sys.argv[1:])
