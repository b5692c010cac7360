"""What a poll remembers between runs, and whether an answer is another one than the last that was made use of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.execution_time.context import NEVER_EXPIRE

from factory.http.errors import HttpError
from factory.http.facts import PollAnswer
from factory.http.selection import absent_key, search
from schemas.model.cursor import CursorForm
from schemas.model.polling import ChangeDetection, ValueDetection

WATERMARK = "watermark"
ANSWER = "answer"
TOKEN = "token"  # noqa: S105 # a name
FORMAT = "cursor_format"
"""Of what is handed over: how watermarks are read."""
MOVES = "state"
"""Key of the XCom in which a poll hands over how `watermark`, `token` and `answer` are to move."""
_RUNS = "runs"
_ASKED = "asked"
_REMEMBERED_RUNS = 200


class Store(Protocol):
    """One of Airflow's state stores: JSON values but null, by key."""

    def get(self, key: str, default: Any = None) -> Any: ...

    def set(self, key: str, value: Any) -> None: ...


def state_name(dag_id: str, task_id: str, state_key: str | None) -> str:
    """The name under which a poll's state is kept."""
    return state_key or f"{dag_id}/{task_id}"


def state_asset(name: str) -> Asset:
    """The asset under whose name a poll's state is kept."""
    return Asset(name=name, group="poll")


def what_was_asked(context: Any, store: Store) -> dict[str, Any] | None:
    """What this run asked for when it first started; None for a run that has not asked yet.

    Raises AirflowFailException where it has asked, but the record of it is gone.
    """
    asked: dict[str, Any] | None = context["task_state_store"].get(_ASKED)
    if asked is None and context["ti"].try_number > 1 and _had_asked(context["dag_run"], store):
        raise AirflowFailException(
            "This run has asked before, but what it asked for is no longer on record, so it cannot ask for the same "
            "again. Start a new run: it goes on from the watermark."
        )
    return asked


def fix_what_is_asked(context: Any, store: Store, asked: Mapping[str, Any]) -> None:
    """Keep what this run asks for as long as Airflow keeps the run."""
    context["task_state_store"].set(_ASKED, dict(asked), retention=NEVER_EXPIRE)
    # Behind it: a process killed in between has a record, and needs none that it had one.
    run_id = context["run_id"]
    runs = [entry for entry in store.get(_RUNS, []) if entry[0] != run_id]
    store.set(_RUNS, [*runs, [run_id, datetime.now(UTC).isoformat()]][-_REMEMBERED_RUNS:])


def move_state(store: Store, moves: Mapping[str, Any]) -> dict[str, Any]:
    """Move `watermark`, `token` and `answer`; return what has moved. The watermark never goes backwards.

    Raises CursorError where the stored watermark is of another kind.
    """
    moved = dict(moves)
    form = CursorForm(moved.pop(FORMAT, None))
    if WATERMARK in moved:
        stored = store.get(WATERMARK)
        if stored is not None and not form.is_later(moved[WATERMARK], stored):
            del moved[WATERMARK]
    for key, value in moved.items():
        store.set(key, value)
    return moved


def _had_asked(dag_run: Any, store: Store) -> bool:
    """Whether the run is among those that asked; of one that may be older than all that are remembered, yes."""
    runs = store.get(_RUNS, [])
    if any(run_id == dag_run.run_id for run_id, _ in runs):
        return True
    forgotten = len(runs) == _REMEMBERED_RUNS and dag_run.run_after < datetime.fromisoformat(runs[0][1])
    return forgotten and dag_run.clear_number > 0


_LONGEST_VALUE = 200
"""Characters. A longer value is kept as its hash: Airflow's stores are made for small values."""

Known = Mapping[str, Any]
"""What is known of an answer: the way it is looked at, and what was seen so."""


def condition(detection: ChangeDetection | None, known: Known | None) -> dict[str, str]:
    """Header fields that ask the server for an answer only if it is another one (RFC 9110, section 13)."""
    if detection == "etag" and known is not None and "etag" in known:
        return {"If-None-Match": known["etag"]}
    if detection == "last_modified" and known is not None and "last_modified" in known:
        return {"If-Modified-Since": known["last_modified"]}
    return {}


def known_of(detection: ChangeDetection, answer: PollAnswer) -> dict[str, Any]:
    """What to keep of an answer; empty where the server does not say what is looked for. Raises HttpError where it has
    no such path: each answer would be the same as the last."""
    if isinstance(detection, ValueDetection):
        value = search(detection.path)(answer.body)
        absent = absent_key(answer.body, detection.path) if value is None else None
        if absent is not None:
            reason = f"`path` of `change_detection` ({detection.path}) finds nothing: {absent.said}"
            raise HttpError(answer.facts.method, answer.facts.url, reason)
        return {} if value is None else {"path": detection.path, "value": _short(value)}
    if detection == "hash":
        return {"hash": answer.digest}
    field = {"etag": "ETag", "last_modified": "Last-Modified"}[detection]
    value = answer.headers.get(field)
    return {detection: value} if value and _is_sendable(detection, value) else {}


def is_unchanged(known: Known | None, seen: Known) -> bool:
    """Whether an answer is the same as the one that is known. Nothing known or nothing seen counts as another."""
    return bool(seen) and known is not None and dict(seen) == dict(known)


def _is_sendable(detection: str, value: str) -> bool:
    """A date that is none would make the server ignore the condition, or refuse the request."""
    if detection == "etag":
        return True
    try:
        parsedate_to_datetime(value)
    except ValueError:
        return False
    return True


def _short(value: Any) -> Any:
    text = json.dumps(value, sort_keys=True)
    return value if len(text) <= _LONGEST_VALUE else hashlib.sha256(text.encode()).hexdigest()
