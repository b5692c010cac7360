"""The last task of a pipeline whose poll keeps state: what was handed over has arrived."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Asset, BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from factory.http.state import MOVES, move_state
from schemas.model.cursor import CursorError


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
