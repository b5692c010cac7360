"""What a poll keeps between runs, in Airflow's own stores (`[state_store]`).

In the store of the poll's asset, for all runs:

- `watermark`: the latest cursor whose rows have arrived; people may set it by Airflow's REST API
- `answer`: what change detection knows of the last answer that was made use of
- `runs`: the last runs that asked, `[run_id, time]`, oldest first

In the store of the task, for one run: `asked`, what the run asks for, as it was fixed at the run's first start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.execution_time.context import NEVER_EXPIRE

from factory.http.selection import absent_key, kind_of, named, search
from schemas.model.cursor import Cursor, CursorError, cursor_before, cursor_kind, is_later, now_like
from schemas.model.incremental import Incremental

WATERMARK = "watermark"
ANSWER = "answer"
MOVES = "state"
"""Key of the XCom in which a poll hands over how `watermark` and `answer` are to move."""
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
    """Move `watermark` and `answer`; return what has moved. The watermark never goes backwards.

    Raises CursorError where the stored watermark is of another kind.
    """
    moved = dict(moves)
    if WATERMARK in moved:
        stored = store.get(WATERMARK)
        if stored is not None and not is_later(moved[WATERMARK], stored):
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


@dataclass(frozen=True, slots=True)
class Window:
    """From a cursor, or from the beginning; to a moment, or open."""

    start: Cursor | None = None
    end: str | None = None

    @classmethod
    def after(cls, incremental: Incremental, watermark: Cursor | None) -> Window:
        """The window that a run asks for which starts now. Raises CursorError where the lag does not fit."""
        start = incremental.initial_value if watermark is None else watermark
        if watermark is not None and incremental.lag is not None:
            start = cursor_before(watermark, incremental.lag)
        end = None
        if incremental.end_param is not None:
            end = now_like(str(incremental.initial_value), datetime.now(UTC))
        return cls(start, end)

    def query(self, incremental: Incremental) -> dict[str, Any]:
        """The query parameters that ask for it."""
        query: dict[str, Any] = {}
        if self.start is not None:
            query[incremental.start_param] = self.start
        if self.end is not None and incremental.end_param is not None:
            query[incremental.end_param] = self.end
        return query

    def is_behind(self, rows: Sequence[Any], incremental: Incremental) -> bool:
        """Whether no later page can hold rows of the window: by `row_order`, these rows have come to its other end.

        Raises CursorError.
        """
        bound = {"desc": self.start, "asc": self.end}.get(incremental.row_order or "")
        if bound is None or not rows:
            return False
        last = search(incremental.cursor_path)(rows[-1])
        return is_later(bound, last) if incremental.row_order == "desc" else is_later(last, bound)


def latest_cursor(rows: Any, incremental: Incremental) -> Cursor | None:
    """The latest cursor of the rows; None where there are no rows.

    Raises CursorError for rows without cursor, and for cursors of several kinds.
    """
    if rows is None:
        return None
    if not isinstance(rows, list):
        raise CursorError(
            f"`incremental` takes a list of rows, and the answer is {kind_of(rows)}; `data_selector` selects one"
        )
    cursor_of = search(incremental.cursor_path)
    latest: Cursor | None = None
    for index, row in enumerate(rows):
        cursor = cursor_of(row)
        try:
            cursor_kind(cursor)
            if latest is None or is_later(cursor, latest):
                latest = cursor
        except CursorError as error:
            absent = absent_key(row, incremental.cursor_path) if cursor is None else None
            if absent is not None and absent.keys is not None:
                where = f"row {index}" + (f" at `{absent.parent}`" if absent.parent else "")
                raise CursorError(f"{where} has no `{absent.key}`; it has {named(absent.keys)}") from None
            raise CursorError(f"row {index} at `{incremental.cursor_path}`: {error}") from None
    return latest
