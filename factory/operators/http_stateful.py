"""A request that remembers between runs: `incremental` and `change_detection`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from factory.http.change import condition, is_unchanged, known_of
from factory.http.poll import PollAnswer
from factory.http.selection import JmesPathError
from factory.http.state import (
    ANSWER,
    MOVES,
    WATERMARK,
    Store,
    Window,
    fix_what_is_asked,
    latest_cursor,
    move_state,
    state_asset,
    state_name,
    what_was_asked,
)
from factory.operators.http import HttpRequestOperator
from schemas.model.cursor import CursorError
from schemas.model.incremental import ChangeDetection, Incremental


class StatefulHttpOperator(HttpRequestOperator):
    """A request that asks for what is new.

    What a run asks for is fixed when it first starts: retried or cleared, it asks for the same again. What it brought
    is handed over by the XCom `state` to the task that commits it, or committed here.

    :param incremental: ask for rows after the watermark
    :param change_detection: how to see that an answer is another one
    :param skip_unchanged: skip this task, and so what follows, when it is not
    :param commits: move the state here, not in a last task
    :param state_key: name of the asset under which the state is kept; default `DAG_ID/TASK_ID`
    """

    def __init__(
        self,
        *,
        incremental: Incremental | None = None,
        change_detection: ChangeDetection | None = None,
        skip_unchanged: bool = True,
        commits: bool = True,
        state_key: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.incremental = incremental
        self.change_detection = change_detection
        self.skip_unchanged = skip_unchanged
        self.commits = commits
        self.state = state_asset(state_name(self.dag_id, self.task_id, state_key))
        # An asset's state can be had where the asset is an inlet; unlike an outlet, that makes no asset event. Airflow
        # keeps the state of an inlet also while the pipeline's file is broken and the DAG therefore stale.
        self.inlets = [*self.inlets, self.state]

    def execute(self, context: Any) -> Any:
        """Ask; return the decoded answer.

        Raises HttpError; AirflowSkipException for an answer that is unchanged; AirflowFailException where trying
        again would be of no use, because a cursor cannot be one or the record of what to ask for is gone.
        """
        store: Store = context["asset_state_store"][self.state]
        try:
            return self._asked(context, store)
        except (CursorError, JmesPathError) as error:
            raise AirflowFailException(f"{self.state.name}: {error}") from None

    def _asked(self, context: Any, store: Store) -> Any:
        asked = what_was_asked(context, store)
        if asked is None:
            asked = self._new(store)
            fix_what_is_asked(context, store, asked)
        known = asked.get(ANSWER)
        polled = self._answer(context, Window(asked.get("start"), asked.get("end")), known)
        moves: dict[str, Any] = {}
        if self.incremental is not None and not polled.not_modified:
            latest = latest_cursor(polled.output, self.incremental)
            if latest is not None:
                moves[WATERMARK] = latest
        if self.change_detection is not None:
            moves |= self._change(polled, self.change_detection, known)
        self._hand_over(context, store, moves)
        return polled.output

    def _answer(self, context: Any, window: Window, known: Mapping[str, Any] | None) -> PollAnswer:
        conditions = condition(self.change_detection, known)
        incremental = self.incremental
        if incremental is None:
            return self.polled(context, headers=conditions)
        params = window.query(incremental)
        self.log.info("%s: asks for %s", self.state.name, params or "all rows")
        return self.polled(
            context, params=params, headers=conditions, enough=lambda rows: window.is_behind(rows, incremental)
        )

    def _new(self, store: Store) -> dict[str, Any]:
        """What a run asks for that starts now."""
        asked: dict[str, Any] = {}
        if self.incremental is not None:
            window = Window.after(self.incremental, store.get(WATERMARK))
            asked |= {"start": window.start, "end": window.end}
        if self.change_detection is not None:
            asked[ANSWER] = store.get(ANSWER)
        return asked

    def _change(
        self, polled: PollAnswer, detection: ChangeDetection, known: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        seen = known_of(detection, polled)
        if polled.not_modified or is_unchanged(known, seen):
            if self.skip_unchanged:
                raise AirflowSkipException(f"The answer is the same as the last one ({_shown(known)}).")
            self.log.info("The answer is the same as the last one (%s).", _shown(known))
            return {}
        if not seen:
            self.log.warning("The server sent no usable %s, so each answer counts as another one.", detection)
            return {}
        return {ANSWER: seen}

    def _hand_over(self, context: Any, store: Store, moves: Mapping[str, Any]) -> None:
        if self.commits:
            self.log.info("%s: moved %s", self.state.name, move_state(store, moves) or "nothing")
        else:
            context["ti"].xcom_push(key=MOVES, value=dict(moves))


def _shown(known: Mapping[str, Any] | None) -> str:
    return ", ".join(f"{name} {value!r}" for name, value in (known or {}).items())
