"""`${vars.…}` and `${matrix.…}` → their values, in every value of a composed document.

A value that stands in place of a whole text keeps its type; inside a longer text it becomes text, as YAML writes it.
Values may name others, which are followed; environment variables and references to tasks in them stay as they are.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from schemas.codes import Code
from schemas.compose import Effective
from schemas.filling import Filling, TooLargeError
from schemas.matrix_ids import unfilled
from schemas.matrix_row import Row
from schemas.problem import Problem


def fill(effective: Effective, row: Row | None, *, only: str | None = None) -> Effective:
    """Put values into a composed document, or into what stands under its key `only`. `row` is that of `matrix`."""
    filling = Filling(effective, row)
    data = dict(effective.data)
    try:
        for key in effective.data if only is None else (only,):
            if key != "matrix" or only is not None:  # its rows were made of what it holds, filled in before
                data[key] = filling.value(effective.data[key], (key,), ())
    except TooLargeError as error:
        # Nothing is filled in, and nothing more is said of what is not.
        problem = Problem(Code.TOO_LARGE, ("vars",), str(error), at_key=True)
        return replace(effective, problems=(problem,), unknown=unfilled(effective.data))
    return replace(
        effective,
        data=data,
        substituted={**effective.substituted, **filling.substituted},
        filled={**effective.filled, **filling.filled},
        problems=(*effective.problems, *filling.problems),
        unknown=effective.unknown | filling.unknown,
    )


def matrix_keys(effective: Effective, row: Row, key: str) -> frozenset[str]:
    """The keys of a matrix that what stands under a top-level key is made of, directly or by `vars`."""
    filling = Filling(effective, row)
    with suppress(TooLargeError):  # said where the whole is filled in
        filling.value(effective.data.get(key), (key,), ())
    return frozenset(filling.used)
