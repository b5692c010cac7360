"""The DAGs that a file describes: one effective document for each row of its matrix, in one environment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from schemas.compose.effective import Effective, Written
from schemas.compose.filling import Filling, TooLargeError
from schemas.compose.matrix import Row, Rows, rows_of
from schemas.compose.merging import compose
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic, Problem
from schemas.findings.paths import count
from schemas.folder.discovery import default_dag_id
from schemas.text.document import Document
from schemas.text.nodes import MAX_NODES

if TYPE_CHECKING:
    from schemas.folder.project import Templates


@dataclass(frozen=True)
class Variant:
    """One DAG of a file. `environment`: the one it is composed for; None: none. `key`: its id, where a key names it.
    `row`: the row of the file's matrix."""

    path: str
    effective: Effective = field(repr=False)
    environment: str | None = None
    key: str | None = None
    row: Row | None = None

    @property
    def dag_id(self) -> str:
        """The DAG id that it claims, be it sound or not."""
        if self.key is not None:
            return self.key
        written = self.effective.data.get("dag_id")
        return written if isinstance(written, str) else default_dag_id(self.path)


def variants(
    path: str,
    layers: Sequence[Document],
    environment: str | None,
    dag_id: str | None = None,
    templates: Templates | None = None,
) -> tuple[Variant, ...]:
    """The DAGs of the file at `path`, whose documents `layers` are: the defaults above it, then itself.

    Where `dag_id` is given only the one of that id, if there is one. Without it there is at least one: a matrix that
    gives no rows has said so in the problems of that one.
    """
    composed = compose(layers, environment)
    if "matrix" not in composed.data:
        if any(layer.may_hold("${vars", "${matrix") for layer in layers):
            composed = fill(composed, None)
        made: tuple[Variant, ...] = (Variant(path, _expanded(composed, None, templates), environment),)
    else:
        made = tuple(_rows(path, composed, environment, dag_id, templates))
    return made if dag_id is None else tuple(variant for variant in made if variant.dag_id == dag_id)


def in_environments(
    path: str, layers: Sequence[Document], environments: Sequence[str], templates: Templates | None = None
) -> tuple[list[Variant], Sequence[str]]:
    """The DAGs of a file in these environments, until they are too large together; those that are left out."""
    made: list[Variant] = []
    size = 0
    for position, environment in enumerate(environments):
        if size > MAX_NODES:
            return made, environments[position:]
        of_environment = variants(path, layers, environment, templates=templates)
        size += sum(count(variant.effective.data) for variant in of_environment)
        made += of_environment
    return made, ()


def _rows(
    path: str, composed: Effective, environment: str | None, dag_id: str | None, templates: Templates | None
) -> Iterator[Variant]:
    composed = fill(composed, None, only="matrix")
    matrix = rows_of(Written(composed.data, composed.place, ()).part("matrix"))
    is_named = isinstance(composed.data.get("dag_id"), str)
    named = [fill(composed, row, only="dag_id") if is_named else composed for row in matrix.rows]
    if not matrix.are_wrong and len(matrix.rows) > 1:
        problem = _dag_id_problem(composed, matrix, named) if is_named else _no_dag_id(matrix.varying)
        matrix.problems.extend([problem] if problem is not None else [])
    place = composed.place
    for problem in matrix.problems:
        place = place.with_problem(problem)
    composed = replace(composed, place=place)
    if not matrix.rows:
        yield Variant(path, _expanded(fill(composed, None), None, templates), environment)
    made: list[Variant] = []
    size = 0
    for row, with_id in zip(matrix.rows, named, strict=True):
        if dag_id is None or with_id.data.get("dag_id") == dag_id:
            made.append(Variant(path, _expanded(fill(composed, row), row, templates), environment, row=row))
            size += count(made[-1].effective.data)
        if size > MAX_NODES and len(made) > 1:
            yield Variant(path, _too_large(composed), environment)
            return
    yield from made


def _too_large(composed: Effective) -> Effective:
    """No row is made, and nothing more is said of what is not."""
    message = f"the rows of the matrix give more than {MAX_NODES:,} values together"
    problem = Problem(Code.TOO_LARGE, ("matrix",), message, at_key=True)
    return replace(composed, place=composed.place.with_unknown(composed.data).with_problem(problem))


def _expanded(composed: Effective, row: Row | None, templates: Templates | None) -> Effective:
    """With one task for each row of the tasks' matrices, and with the tasks of templates."""
    if not any(layer.may_hold("matrix", "template") for layer in composed.layers):
        return composed
    from schemas.compose.task_rows import expand_tasks, is_to_expand  # noqa: PLC0415 # few files need it

    return expand_tasks(composed, row, templates) if is_to_expand(composed.data.get("tasks")) else composed


def _no_dag_id(varying: Sequence[str]) -> Problem:
    message = "a matrix makes several DAGs, so `dag_id` is required, with the keys that tell them apart"
    example = f"such as `dag_id: orders-${{matrix.{varying[0] if varying else 'region'}}}`"
    return Problem(Code.DAG_ID_OF_MATRIX, ("matrix",), message, at_key=True, help=example)


def _dag_id_problem(composed: Effective, matrix: Rows, named: Sequence[Effective]) -> Problem | None:
    """`named` are the documents of the rows with their DAG ids."""
    ids = [str(one.data["dag_id"]) for one in named]
    # A name that is not there has a finding, and may be the one that is missing.
    used = matrix.varying if named[0].unknown else used_keys(composed, matrix.rows[0], "dag_id")
    return matrix.id_problem(Code.DAG_ID_OF_MATRIX, ("dag_id",), [one for one in ids if "${" not in one], used)


Where = tuple[str | None, Row | None]
"""The environment and the row of the file's matrix in which something was found."""


def said_once(findings: Sequence[tuple[Where, Sequence[Diagnostic]]]) -> list[Diagnostic]:
    """What was found in several DAGs of a file: once where all have it, else with the name of who has it."""
    if len(findings) == 1:
        return list(findings[0][1])
    found: dict[tuple[object, ...], tuple[Diagnostic, list[int]]] = {}
    for position, (_, diagnostics) in enumerate(findings):
        for d in diagnostics:
            _, having = found.setdefault((d.file, d.span, d.code, d.message), (d, []))
            if position not in having[-1:]:
                having.append(position)
    among = [where for where, _ in findings]
    rows_in = Counter(environment for environment, _ in among)
    return [
        d if len(having) == len(among) else _named(d, [among[position] for position in having], rows_in)
        for d, having in found.values()
    ]


def _named(diagnostic: Diagnostic, having: Sequence[Where], rows_in: Mapping[str | None, int]) -> Diagnostic:
    """Says in which environments, and for which row of the matrix, what was not found in all of them. `rows_in`: how
    many rows there are in each environment."""
    environments = list(dict.fromkeys(environment for environment, _ in having))
    where = _where(environments) if len(environments) < len(rows_in) else ""
    first, row = having[0]
    rows = sum(environment == first for environment, _ in having)
    if row is not None and rows < rows_in[first]:
        more = f" and {rows - 1} more" if rows > 1 else ""
        where = f"{where} for {row.text}{more}".strip()
    return replace(diagnostic, message=f"{diagnostic.message} ({where})") if where else diagnostic


def _where(environments: Sequence[str | None]) -> str:
    names = [f"`{name}`" for name in environments if name is not None]
    named = f"in environment{'s' if len(names) > 1 else ''} {', '.join(names)}" if names else ""
    without = "where no environment is chosen" if None in environments else ""
    return " and ".join(filter(None, (without, named)))


def fill(effective: Effective, row: Row | None, *, only: str | None = None) -> Effective:
    """Put values into a composed document, or into the value of its key `only`. `row` is that of its `matrix`."""
    filling = Filling.of(effective, row)
    data, parts = dict(effective.data), {}
    try:
        for key in effective.data if only is None else (only,):
            if key != "matrix" or only is not None:  # its rows were made of what it holds, filled in before
                data[key], parts[key] = filling.value(filling.document.part(key))
    except TooLargeError as error:
        # Nothing is filled in, and nothing more is said of what is not.
        problem = Problem(Code.TOO_LARGE, ("vars",), str(error), at_key=True)
        return replace(effective, place=effective.place.with_unknown(effective.data).with_problem(problem))
    place = effective.place.with_parts(parts)
    for problem in filling.problems:
        place = place.with_problem(problem)
    return replace(effective, data=data, place=place)


def used_keys(effective: Effective, row: Row, key: str) -> frozenset[str]:
    """The keys of a matrix that the value of a top-level key is made of, directly or by `vars`."""
    filling = Filling.of(effective, row)
    with suppress(TooLargeError):  # reported where the whole document is filled in
        filling.value(filling.document.part(key))
    return frozenset(filling.used)
