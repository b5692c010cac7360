"""A request that remembers between runs: `incremental` and `change_detection`; and the last task of a pipeline whose
poll remembers, which says that what was handed over has arrived."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

from airflow.sdk import Asset, BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from factory.http.call import same_server
from factory.http.connection import KEY_NAME
from factory.http.credentials import without_proofs
from factory.http.errors import shown_url
from factory.http.facts import PollAnswer
from factory.http.progress import RowProgress
from factory.http.rows import MissingValueError, filled, takes
from factory.http.selection import JmesPathError, search
from factory.http.session import Transport
from factory.http.state import (
    ANSWER,
    FORMAT,
    MOVES,
    TOKEN,
    WATERMARK,
    Store,
    condition,
    fix_what_is_asked,
    is_unchanged,
    known_of,
    move_state,
    state_asset,
    state_name,
    what_was_asked,
)
from factory.http.window import Forms, Window
from factory.operators.http import HttpRequestOperator
from schemas.model.cursor import CursorError
from schemas.model.http import HttpRequest
from schemas.model.polling import ChangeDetection, Incremental

_NOTHING_THERE = (404, 410)
"""Statuses that say of a window that it has no rows, where `response_actions` ignores them."""


class StatefulHttpOperator(HttpRequestOperator):
    """A request that asks for what is new.

    What a run asks for is fixed when it first starts: retried or cleared, it asks for the same again. What it brought
    is handed over by the XCom `state` to the task that commits it, or committed here.

    :param commits: move the state here, not in a last task
    :param state_key: name of the asset under which the state is kept; default `DAG_ID/TASK_ID`
    """

    def __init__(self, *, commits: bool = True, state_key: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.commits = commits
        self.state = state_asset(state_name(self.dag_id, self.task_id, state_key))
        # An asset's state can be had where the asset is an inlet; unlike an outlet, that makes no asset event. Airflow
        # keeps the state of an inlet also while the pipeline's file is broken and the DAG therefore stale.
        self.inlets = [*self.inlets, self.state]

    def execute(self, context: Any, event: Any = None, since: float | None = None) -> Any:  # noqa: ARG002
        """Ask; return the decoded answer.

        Raises HttpError; AirflowSkipException for an answer that is unchanged; AirflowFailException where trying
        again would be of no use, because a cursor cannot be one or the record of what to ask for is gone.
        """
        store: Store = context["asset_state_store"][self.state]
        try:
            return self._asked(context, store)
        except (CursorError, JmesPathError, MissingValueError) as error:
            raise AirflowFailException(f"{self.state.name}: {error}") from None

    def _asked(self, context: Any, store: Store) -> Any:
        request, transport = self.request()
        asked = what_was_asked(context, store)
        if asked is None:
            asked = self._new(request, store)
            fix_what_is_asked(context, store, asked)
        if request.incremental is not None:
            polled, moves = self._new_rows(context, request, request.incremental, transport, asked)
        else:
            known = asked.get(ANSWER)
            polled = self.polled(context, request, transport, headers=condition(request.change_detection, known))
            moves = self._change(request, polled, request.change_detection, known)
        self._hand_over(context, store, moves)
        return self.handed_on(polled)

    def _new_rows(
        self,
        context: Any,
        request: HttpRequest,
        incremental: Incremental,
        transport: Transport,
        asked: Mapping[str, Any],
    ) -> tuple[PollAnswer, dict[str, Any]]:
        """What came since the last run, and how the state is to move."""
        if incremental.token_path is not None:
            return self._since_token(context, request, incremental, transport, asked)
        forms = Forms(incremental, self.timezone)
        window = Window.stored(asked)
        start = None if window.start is None else forms.asked(window.start)
        values: dict[str, Any] = {"start": start}
        if incremental.end_param is not None or takes(request, "cursor.end"):
            like = incremental.initial_value if window.start is None else window.start
            values["end"] = forms.asked_moment(window.until, like)
        params = {incremental.start_param: start} if incremental.start_param and start is not None else {}
        if incremental.end_param is not None:
            params[incremental.end_param] = values["end"]
        said = ", ".join(f"{name} {value!r}" for name, value in values.items() if value is not None)
        self.log.info("%s: asks for rows from %s", self.state.name, said if start is not None else "the beginning")
        progress = RowProgress(incremental, forms, window, self.log.warning)
        request = filled(request, "cursor", values)
        polled = self.polled(context, request, transport, params=params, progress=progress)
        if window.is_step and polled.ignored and polled.status not in _NOTHING_THERE:
            self.log.warning(
                "The first answer (%s) was ignored, so the window may have rows: the watermark stays, and the next run "
                "asks for them again.",
                polled.status,
            )
            return polled, {}
        watermark = progress.watermark()
        if watermark is None:
            return polled, {}
        self.log.info("%s: watermark %r → %r", self.state.name, window.watermark, watermark)
        form = {FORMAT: incremental.cursor_format} if incremental.cursor_format is not None else {}
        return polled, {WATERMARK: watermark, **form}

    def _since_token(
        self,
        context: Any,
        request: HttpRequest,
        incremental: Incremental,
        transport: Transport,
        asked: Mapping[str, Any],
    ) -> tuple[PollAnswer, dict[str, Any]]:
        token = asked.get(TOKEN, incremental.initial_value)
        params = {}
        url, is_link = str(request.url), incremental.token_param is None and not takes(request, "cursor.start")
        if token is not None and is_link:
            request = request.model_copy(update={"url": self._linked(url, str(token)), "params": None})
        elif token is not None and incremental.token_param is not None:
            params = {incremental.token_param: token}
        request = filled(request, "cursor", {"start": token})
        polled = self.polled(context, request, transport, params=params)
        found = search(str(incremental.token_path))(polled.last)
        if not isinstance(found, str | int) or isinstance(found, bool) or found == "":
            raise CursorError(f"`token_path` ({incremental.token_path}) finds no token in the last page")
        if is_link:
            self._linked(url, str(found))
        if isinstance(found, str):
            auth = request.auth
            name = (auth.name or KEY_NAME) if auth is not None and auth.type == "api_key" else None
            found = without_proofs(found, polled.proofs, name)
        return polled, {TOKEN: found}

    @staticmethod
    def _linked(url: str, token: str) -> str:
        """The URL that a token is. Raises CursorError where it is none, or one of another server, which gets no
        credentials."""
        if re.match(r"https?://|[/?]|[^?]+\?", token) is None:
            raise CursorError("the token is no URL; `token_param` or `${cursor.start}` says where to send it")
        linked = urljoin(url, token)
        if not same_server(url, linked):
            raise CursorError(f"the token leads to another server, which gets no credentials: {shown_url(linked)}")
        return linked

    def _new(self, request: HttpRequest, store: Store) -> dict[str, Any]:
        """What a run asks for that starts now."""
        asked: dict[str, Any] = {}
        incremental = request.incremental
        if incremental is not None and incremental.token_path is not None:
            token = store.get(TOKEN)
            asked |= {} if token is None else {TOKEN: token}
        elif incremental is not None:
            asked |= Window.after(incremental, Forms(incremental, self.timezone), store.get(WATERMARK)).record()
        if request.change_detection is not None:
            asked[ANSWER] = store.get(ANSWER)
        return asked

    def _change(
        self,
        request: HttpRequest,
        polled: PollAnswer,
        detection: ChangeDetection | None,
        known: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        assert detection is not None  # noqa: S101 # or it would be `incremental`
        seen = known_of(detection, polled)
        if polled.not_modified or is_unchanged(known, seen):
            if request.on_unchanged == "skip":
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


class PollCommitOperator(BaseOperator):
    """Moves a poll's watermark and last answer, once everything that takes from the poll has succeeded.

    :param poll_task_id: the task whose state moves
    :param state: the asset under whose name it is kept
    """

    ui_color = "#e8f7e4"

    def __init__(self, *, poll_task_id: str, state: Asset, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.poll_task_id = poll_task_id
        self.state = state
        # An asset's state can be had where the asset is an inlet; unlike an outlet, that makes no asset event.
        self.inlets = [*self.inlets, state]

    def execute(self, context: Any) -> None:
        """Raises AirflowFailException where the stored watermark is of another kind than the new one."""
        moves = context["ti"].xcom_pull(task_ids=self.poll_task_id, key=MOVES) or {}
        try:
            moved = move_state(context["asset_state_store"][self.state], moves)
        except CursorError as error:
            raise AirflowFailException(f"the watermark cannot move: {error}") from None
        self.log.info("%s: moved %s", self.state.name, moved or "nothing")
