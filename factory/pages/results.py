"""What is known of one pipeline beside its DAG: what its stub says (its text, what lint says of it, what it names), and
what its runs brought, read from Airflow's database: polls and their watermarks, charts, models."""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from airflow.models.asset import AssetModel, TaskInletAssetReference
from airflow.models.asset_state_store import AssetStateStoreModel
from airflow.models.dagrun import DagRun
from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from factory.data.stored_models import FACTS
from factory.http.state import MOVES, WATERMARK
from factory.operators.http import XCOM_KEY
from factory.reporters.in_force import FINDING, VALUE
from schemas.findings.paths import walk
from schemas.text.document import document_from_text

_MOST = 2**53
POLLS = 50
"""Polls of one pipeline that its page shows."""
_QUOTE = '"'
"""Airflow stores JSON."""
_DRAWS, _TRAINS = "ChartOperator", "TrainOperator"


def iso(moment: datetime | None) -> str | None:
    """A moment as the page gets it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment is not None else None


def polls(session: Session, dag_id: str) -> Iterator[dict[str, Any]]:
    """What the last polls of each task brought, the newest last, and the watermarks that they came to."""
    asked = (
        select(XComModel, DagRun.run_after)
        .join(DagRun, and_(DagRun.dag_id == XComModel.dag_id, DagRun.run_id == XComModel.run_id))
        .where(XComModel.dag_id == dag_id)
        .order_by(DagRun.run_after.desc())
        .limit(POLLS)
    )
    moves = {
        (row.run_id, row.task_id, row.map_index): XComModel.deserialize_value(row)
        for row in session.scalars(asked.where(XComModel.key == MOVES))
    }
    for row, run_after in reversed(session.execute(asked.where(XComModel.key == XCOM_KEY)).all()):
        facts = XComModel.deserialize_value(row)
        if isinstance(facts, dict):
            names = ("status", "rows", "pages", "bytes", "milliseconds", "retries")
            shown = {name: _figure(facts.get(name)) for name in names}
            moved = moves.get((row.run_id, row.task_id, row.map_index))
            watermark = moved.get(WATERMARK) if isinstance(moved, dict) else None
            shown["watermark"] = watermark if watermark is None else str(watermark)
            yield {"task": row.task_id, "run": row.run_id, "at": iso(run_after), **shown}


def _figure(value: object) -> object:
    """A number that a browser can read, None for anything else: whoever may write XComs writes anything."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < _MOST else None  # NaN is not less either


def watermarks(session: Session, dag_id: str) -> list[str]:
    """Where the polls of a DAG go on from; other things that they remember, such as tokens, are not shown."""
    asked = (
        select(AssetModel.name, AssetStateStoreModel.value)
        .join(AssetStateStoreModel, AssetStateStoreModel.asset_id == AssetModel.id)
        .join(TaskInletAssetReference, TaskInletAssetReference.asset_id == AssetModel.id)
        .where(TaskInletAssetReference.dag_id == dag_id, AssetStateStoreModel.key == WATERMARK)
    )
    return sorted({f"{value.strip(_QUOTE)} ({name})" for name, value in session.execute(asked)})


def charts(session: Session, dag_id: str) -> list[dict[str, str]]:
    """The last chart of each task that draws one."""
    return _made(session, dag_id, _DRAWS)


def models(session: Session, dag_id: str) -> list[dict[str, str]]:
    """The last model of each task that trains one."""
    return _made(session, dag_id, _TRAINS)


def _made(session: Session, dag_id: str, operator: str) -> list[dict[str, str]]:
    asked = (
        select(
            TaskInstance.task_id,
            TaskInstance.run_id,
            TaskInstance.map_index,
            RenderedTaskInstanceFields.rendered_fields,
        )
        .join(RenderedTaskInstanceFields, _of_one_task(RenderedTaskInstanceFields))
        .where(TaskInstance.dag_id == dag_id, TaskInstance.operator == operator, TaskInstance.state == "success")
        .order_by(TaskInstance.end_date.desc())
        .limit(100)
    )
    newest: dict[str, dict[str, str]] = {}
    for task_id, run_id, map_index, fields in session.execute(asked):
        name = str(fields.get("to")).rstrip("/").rpartition("/")[2]
        newest.setdefault(task_id, {"task": task_id, "run": run_id, "index": str(map_index), "file": name})
    return list(newest.values())


def drawn(dag_id: str, run_id: str, task_id: str, map_index: int) -> str | None:
    """The path of what a task made to be looked at: of a chart its output, of a model what is written beside it; None
    for any other task, and for an output that is not the file that the task wrote.

    Whoever may write XComs writes outputs. What a task is, and its rendered fields, only Airflow writes; both operators
    leave the whole path in the field `to`.
    """
    with create_session() as session:
        asked = (
            select(TaskInstance.operator, RenderedTaskInstanceFields.rendered_fields, XComModel)
            .join(RenderedTaskInstanceFields, _of_one_task(RenderedTaskInstanceFields))
            .join(XComModel, _of_one_task(XComModel))
            .where(
                TaskInstance.dag_id == dag_id,
                TaskInstance.run_id == run_id,
                TaskInstance.task_id == task_id,
                TaskInstance.map_index == map_index,
                TaskInstance.operator.in_((_DRAWS, _TRAINS)),
                XComModel.key == "return_value",
            )
        )
        found = session.execute(asked).first()
        if found is None:
            return None
        operator, fields, row = found
        output = XComModel.deserialize_value(row)
    made = output.get("model") if isinstance(output, dict) else output
    if not isinstance(made, str) or made != fields.get("to"):
        return None
    return made if operator == _DRAWS else f"{made}/{FACTS}"


def _of_one_task(model: Any) -> Any:
    names = ("dag_id", "run_id", "task_id", "map_index")
    return and_(*(getattr(model, name) == getattr(TaskInstance, name) for name in names))


# -- the stub ---------------------------------------------------------------------------------------------------

STUB_SUFFIX = ".py"
"""Of the file behind a pipeline's DAG, as the bundle names it (`factory.bundle.source`)."""
_PLACE = re.compile(r"--> (?P<file>.*?):(?P<line>[0-9]+):[0-9]+$", re.MULTILINE)
_SHOWN = re.compile(r"^r(?P<quotes>'''|\"\"\").*?(?P=quotes)$", re.DOTALL | re.MULTILINE)
CALL = "\nload_stub("
"""What separates, in a stub, the pipeline's text from what lint says of it (`factory.bundle.stubs`)."""


def yaml_of(stub: str) -> str:
    """The pipeline's text in its stub, which the bundle wrote (`factory.bundle.stubs`)."""
    literal = _SHOWN.search(stub)
    if literal is not None:
        return str(ast.literal_eval(literal.group()))[1:]
    return "\n".join(line.removeprefix("#| ") for line in stub.splitlines() if line.startswith("#|"))


def said_of(stub: str, dag_id: str) -> tuple[str, str]:
    """Lint's warnings, and the DAG's values in force, below the text in a stub (`factory.reporters.in_force`)."""
    lines = stub.rpartition(CALL)[2].splitlines()
    warnings = "\n".join(line.removeprefix(FINDING) for line in lines if line.startswith(FINDING))
    documents = "\n".join(line.removeprefix(VALUE) for line in lines if line.startswith(VALUE)).split("\n---\n")
    heads = (f"# {dag_id}\n", f"# {dag_id}, ")
    return warnings, next((document for document in documents if f"{document}\n".startswith(heads)), "")


def file_of(stub: str) -> str:
    return stub.removesuffix(STUB_SUFFIX)


def findings_of(text: str, file: str) -> list[dict[str, Any]]:
    """The findings of a text as lint shows them, each with its line where it names one of the file."""
    found: list[dict[str, Any]] = []
    for block in filter(str.strip, re.split(r"\n\s*\n(?=\S)", text)):
        place = _PLACE.search(block)
        is_here = place is not None and f"/{place['file']}".endswith(f"/{file}")
        found.append({"text": block.strip("\n"), "line": int(place["line"]) if place is not None and is_here else None})
    return found


def uses(text: str) -> dict[str, list[str]]:
    """Connections, tables and hosts that a text names, by the keys that name them."""
    data = document_from_text(text, "").data
    found: dict[str, set[str]] = {"connections": set(), "tables": set(), "hosts": set()}
    for path, value in walk(data).texts:
        key = str(path[-1]) if path else ""
        if key == "conn_id" or key.endswith("_conn_id"):
            found["connections"].add(value)
        elif key == "table":
            found["tables"].add(value)
        elif value.startswith(("http://", "https://")):
            with contextlib.suppress(ValueError):  # a template, such as `https://{{ params['host'] }}/`, is no host
                found["hosts"].add(urlsplit(value).hostname or "")
    return {kind: sorted(filter(None, names)) for kind, names in found.items()}
