"""Answers what Airflow's task runner asks of its supervisor, from memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow.sdk import Connection
from airflow.sdk.exceptions import ErrorType
from airflow.sdk.execution_time import comms

from factory.trial.memory import Memory
from schemas.compose.env_values import looks_like_secret


def _hidden(extra: Mapping[str, Any]) -> Iterator[str]:
    return (value for name, value in extra.items() if looks_like_secret(name) and isinstance(value, str))


class NotInATrialError(Exception):
    """A task wants something that only a running Airflow has."""


class MemorySupervisor:
    """Stands where the connection to the supervisor is (`task_runner.SUPERVISOR_COMMS`), for one task at a time.

    `skipped` are the tasks that the task wants skipped: ids, or pairs of id and map index.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.skipped: list[str | tuple[str, int]] = []
        self.final: Any = None

    def send(self, msg: Any) -> Any:
        """The answer to a message of `airflow.sdk.execution_time.comms`. Raises NotInATrialError for what has none."""
        name = type(msg).__name__
        answer = getattr(self, f"_{name}", None)
        if answer is None:
            raise NotInATrialError(
                f"this task needs a running Airflow ({name}): leave it out, or give its output in place of running it"
            )
        return answer(msg)

    async def asend(self, msg: Any) -> Any:
        """As `send`, for triggers."""
        return self.send(msg)

    def _SetXCom(self, msg: comms.SetXCom) -> None:  # noqa: N802 # named like the message
        index = -1 if msg.map_index is None else msg.map_index
        self._memory.xcoms.setdefault((msg.task_id, msg.key), {})[index] = msg.value

    def _GetXCom(self, msg: comms.GetXCom) -> comms.XComResult:  # noqa: N802 # as above
        found = self._memory.xcoms.get((msg.task_id, msg.key), {})
        index = -1 if msg.map_index is None else msg.map_index
        return comms.XComResult(key=msg.key, value=found.get(index))

    def _DeleteXCom(self, msg: comms.DeleteXCom) -> None:  # noqa: N802 # as above
        self._memory.xcoms.get((msg.task_id, msg.key), {}).pop(-1 if msg.map_index is None else msg.map_index, None)

    def _values(self, msg: Any) -> list[Any]:
        return [value for _, value in sorted(self._memory.xcoms.get((msg.task_id, msg.key), {}).items())]

    def _GetXComCount(self, msg: comms.GetXComCount) -> comms.XComCountResponse:  # noqa: N802 # as above
        return comms.XComCountResponse(len=len(self._values(msg)))

    def _GetXComSequenceItem(self, msg: comms.GetXComSequenceItem) -> Any:  # noqa: N802 # as above
        values = self._values(msg)
        if not -len(values) <= msg.offset < len(values):
            return comms.ErrorResponse(error=ErrorType.XCOM_NOT_FOUND)
        return comms.XComSequenceIndexResult(root=values[msg.offset])

    def _GetXComSequenceSlice(self, msg: comms.GetXComSequenceSlice) -> Any:  # noqa: N802 # as above
        return comms.XComSequenceSliceResult(root=self._values(msg)[msg.start : msg.stop : msg.step])

    def _GetConnection(self, msg: comms.GetConnection) -> Any:  # noqa: N802 # as above
        written = self._memory.connection(msg.conn_id)
        if written is None:
            return comms.ErrorResponse(error=ErrorType.CONNECTION_NOT_FOUND, detail={"conn_id": msg.conn_id})
        found = Connection.from_json(written, msg.conn_id) if written.lstrip().startswith("{") else None
        found = found or Connection.from_uri(written, msg.conn_id)
        self._memory.secrets |= {text for text in (found.password, *_hidden(found.extra_dejson)) if text}
        parts = {name: getattr(found, name) for name in ("host", "schema", "login", "password", "port", "extra")}
        return comms.ConnectionResult(conn_id=msg.conn_id, conn_type=found.conn_type, **parts)

    def _GetVariable(self, msg: comms.GetVariable) -> Any:  # noqa: N802 # as above
        value = self._memory.variable(msg.key)
        if value is None:
            return comms.ErrorResponse(error=ErrorType.VARIABLE_NOT_FOUND, detail={"key": msg.key})
        return comms.VariableResult(key=msg.key, value=value)

    def _PutVariable(self, msg: comms.PutVariable) -> None:  # noqa: N802 # as above
        self._memory.variables[msg.key] = msg.value or ""

    def _GetTaskStateStore(self, msg: comms.GetTaskStateStore) -> Any:  # noqa: N802 # as above
        key = (str(msg.ti_id), msg.key)
        if key not in self._memory.task_states:
            return comms.ErrorResponse(error=ErrorType.TASK_STORE_NOT_FOUND)
        return comms.TaskStateStoreResult(value=self._memory.task_states[key])

    def _SetTaskStateStore(self, msg: comms.SetTaskStateStore) -> None:  # noqa: N802 # as above
        self._memory.task_states[str(msg.ti_id), msg.key] = msg.value

    def _DeleteTaskStateStore(self, msg: comms.DeleteTaskStateStore) -> None:  # noqa: N802 # as above
        self._memory.task_states.pop((str(msg.ti_id), msg.key), None)

    def _GetAssetStateStoreByName(self, msg: comms.GetAssetStateStoreByName) -> Any:  # noqa: N802 # as above
        return self._asset_state(msg.name, msg.key)

    def _GetAssetStateStoreByUri(self, msg: comms.GetAssetStateStoreByUri) -> Any:  # noqa: N802 # as above
        return self._asset_state(msg.uri, msg.key)

    def _asset_state(self, asset: str, key: str) -> Any:
        try:
            return comms.AssetStateStoreResult(value=self._memory.asset_state(asset, key))
        except KeyError:
            return comms.ErrorResponse(error=ErrorType.ASSET_STORE_NOT_FOUND)

    def _SetAssetStateStoreByName(self, msg: comms.SetAssetStateStoreByName) -> None:  # noqa: N802 # as above
        self._memory.asset_states[msg.name, msg.key] = self._memory.moved[msg.name, msg.key] = msg.value

    def _SetAssetStateStoreByUri(self, msg: comms.SetAssetStateStoreByUri) -> None:  # noqa: N802 # as above
        self._memory.asset_states[msg.uri, msg.key] = self._memory.moved[msg.uri, msg.key] = msg.value

    def _ValidateInletsAndOutlets(self, _: Any) -> comms.InactiveAssetsResult:  # noqa: N802 # as above
        return comms.InactiveAssetsResult(inactive_assets=[])

    def _GetTICount(self, msg: comms.GetTICount) -> comms.TICount:  # noqa: N802 # as above
        return comms.TICount(count=sum(self._memory.counts.get(task, 0) for task in msg.task_ids or ()))

    def _GetPrevSuccessfulDagRun(self, _: Any) -> comms.PrevSuccessfulDagRunResult:  # noqa: N802 # as above
        return comms.PrevSuccessfulDagRunResult()

    def _GetPreviousDagRun(self, _: Any) -> comms.PreviousDagRunResult:  # noqa: N802 # as above
        return comms.PreviousDagRunResult()

    def _GetTaskRescheduleStartDate(self, _: Any) -> comms.TaskRescheduleStartDate:  # noqa: N802 # as above
        return comms.TaskRescheduleStartDate(start_date=None)

    def _SkipDownstreamTasks(self, msg: comms.SkipDownstreamTasks) -> None:  # noqa: N802 # as above
        self.skipped += msg.tasks

    def _report(self, msg: Any) -> None:
        """How the task ended: the caller is told by the runner's own return value, too."""
        self.final = msg

    _SucceedTask = _TaskState = _RetryTask = _RescheduleTask = _DeferTask = _report  # as above

    def _ignore(self, _: Any) -> None:
        """What only Airflow's pages show."""

    _SetRenderedFields = _SetRenderedMapIndex = _MaskSecret = _ignore  # as above
