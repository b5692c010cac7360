"""The DAGs that a file describes: one effective document for each row of its matrix, in one environment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from schemas.compose.filling import Filling, TooLargeError
from schemas.compose.matrix import Cell, Row, expand
from schemas.compose.merging import Effective, compose
from schemas.compose.row_names import unfilled
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import count
from schemas.findings.problem import Problem
from schemas.folder.discovery import default_dag_id
from schemas.text.document import Document
from schemas.text.nodes import MAX_NODES


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
    path: str, layers: Sequence[Document], environment: str | None, dag_id: str | None = None
) -> tuple[Variant, ...]:
    """The DAGs of the file at `path`, whose documents `layers` are: the defaults above it, then itself.

    Where `dag_id` is given only the one of that id, if there is one. Without it there is at least one: a matrix that
    gives no rows has said so in the problems of that one.
    """
    composed = compose(layers, environment)
    if "matrix" not in composed.data:
        if any(mark in layer.text for layer in layers for mark in ("${vars", "${matrix")):
            composed = fill(composed, None)
        made: tuple[Variant, ...] = (Variant(path, _expanded(composed), environment),)
    else:
        made = tuple(_rows(path, composed, environment, dag_id))
    return made if dag_id is None else tuple(variant for variant in made if variant.dag_id == dag_id)


def in_environments(
    path: str, layers: Sequence[Document], environments: Sequence[str]
) -> tuple[list[Variant], Sequence[str]]:
    """The DAGs of a file in these environments, until they are too large together; those that are left out."""
    made: list[Variant] = []
    size = 0
    for position, environment in enumerate(environments):
        if size > MAX_NODES:
            return made, environments[position:]
        of_environment = variants(path, layers, environment)
        size += sum(count(variant.effective.data) for variant in of_environment)
        made += of_environment
    return made, ()


def _rows(path: str, composed: Effective, environment: str | None, dag_id: str | None) -> Iterator[Variant]:
    composed = fill(composed, None, only="matrix")
    matrix = expand(composed.data["matrix"])
    problems = [replace(p, path=("matrix", *p.path)) for p in matrix.problems]
    rows = [_row(cells) for cells in matrix.rows]
    if not any(problem.severity is None for problem in problems):
        problems += _dag_id_problems(composed, rows, matrix.varying)
    composed = replace(composed, problems=(*composed.problems, *problems))
    if not rows:
        yield Variant(path, _expanded(fill(composed, None)), environment)
    made: list[Variant] = []
    size = 0
    for row in rows:
        if dag_id is None or fill(composed, row, only="dag_id").data.get("dag_id") == dag_id:
            made.append(Variant(path, _expanded(fill(composed, row)), environment, row=row))
            size += count(made[-1].effective.data)
        if size > MAX_NODES and len(made) > 1:
            yield Variant(path, _too_large(composed), environment)
            return
    yield from made


def _too_large(composed: Effective) -> Effective:
    """No row is made, and nothing more is said of what is not."""
    message = f"the rows of the matrix give more than {MAX_NODES:,} values together"
    problem = Problem(Code.TOO_LARGE, ("matrix",), message, at_key=True)
    unknown = composed.unknown | unfilled(composed.data)
    return replace(composed, problems=(*composed.problems, problem), unknown=unknown)


def _expanded(composed: Effective) -> Effective:
    """With one task for each row of the tasks' matrices."""
    if not any("matrix" in layer.text for layer in composed.layers):
        return composed
    from schemas.compose.task_rows import expand_tasks  # noqa: PLC0415 # few files need it

    return expand_tasks(composed)


def _dag_id_problems(composed: Effective, rows: Sequence[Row], varying: Iterable[str]) -> list[Problem]:
    """Each row must have an id of its own, also when a value is added to a list."""
    if len(rows) < 2:
        return []
    if not isinstance(composed.data.get("dag_id"), str):
        message = "a matrix makes several DAGs, so `dag_id` must be written, with the keys that tell them apart"
        example = f"such as `dag_id: orders-${{matrix.{next(iter(varying), 'region')}}}`"
        return [Problem(Code.DAG_ID_OF_MATRIX, ("matrix",), message, at_key=True, help=example)]
    held = matrix_keys(composed, rows[0], "dag_id")
    missing = [key for key in varying if key not in held]
    if missing and fill(composed, rows[0], only="dag_id").unknown:
        return []  # a name that is not there is said, and may be the one that is missing
    if missing:
        keys = " and ".join(f"`${{matrix.{key}}}`" for key in missing)
        return [Problem(Code.DAG_ID_OF_MATRIX, ("dag_id",), f"`dag_id` must hold {keys}, in which the rows differ")]
    ids = [fill(composed, row, only="dag_id").data["dag_id"] for row in rows]
    twice = next((dag_id for dag_id in ids if ids.count(dag_id) > 1), None)
    if twice is None or "${" in str(twice):
        return []
    return [Problem(Code.DAG_ID_OF_MATRIX, ("dag_id",), f"several rows of the matrix give the DAG id `{twice}`")]


def _row(cells: Mapping[str, Cell]) -> Row:
    places = {key: ("matrix", *place) for key, (_, place) in cells.items()}
    return Row({key: value for key, (value, _) in cells.items()}, places)


def said_once(findings: Sequence[tuple[Variant, Sequence[Diagnostic]]]) -> list[Diagnostic]:
    """What was found in several variants of a file: once where all have it, else with the name of who has it."""
    if len(findings) == 1:
        return list(findings[0][1])
    found: dict[tuple[object, ...], tuple[Diagnostic, list[Variant]]] = {}
    for variant, diagnostics in findings:
        for d in diagnostics:
            _, having = found.setdefault((d.file, d.span, d.code, d.message), (d, []))
            if variant not in having[-1:]:
                having.append(variant)
    among = [variant for variant, _ in findings]
    return [d if len(having) == len(among) else _named(d, having, among) for d, having in found.values()]


def _named(diagnostic: Diagnostic, having: Sequence[Variant], among: Sequence[Variant]) -> Diagnostic:
    """Says in which environments, and for which row of the matrix, what was not found in all of them."""
    environments = list(dict.fromkeys(variant.environment for variant in having))
    where = _where(environments) if len(environments) < len({variant.environment for variant in among}) else ""
    first = having[0]
    rows = [variant.row for variant in having if variant.environment == first.environment]
    if first.row is not None and len(rows) < sum(v.environment == first.environment for v in among):
        more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
        where = f"{where} for {first.row.text}{more}".strip()
    return replace(diagnostic, message=f"{diagnostic.message} ({where})") if where else diagnostic


def _where(environments: Sequence[str | None]) -> str:
    names = [f"`{name}`" for name in environments if name is not None]
    named = f"in environment{'s' if len(names) > 1 else ''} {', '.join(names)}" if names else ""
    without = "where no environment is chosen" if None in environments else ""
    return " and ".join(filter(None, (without, named)))


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
