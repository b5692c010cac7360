"""Answers what Airflow's task runner asks of its supervisor, from memory; decides as its scheduler does what runs.

Whether a task runs, by the states of those it waits for, is airflow.ti_deps.deps.trigger_rule_dep of 3.3.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from airflow.sdk.exceptions import AirflowSecretsBackendAccessDenied, ErrorType
from airflow.sdk.execution_time import comms

from factory.trial import is_here
from factory.trial.memory import Memory, hidden_in, parsed, secrets_of, unreadable

BEGUN = "trial_begun"
"""An XCom that the runner is told to delete: it does so after it has taken SIGTERM for itself."""


class NotInATrialError(Exception):
    """A task wants something that only a running Airflow has."""


class RefusedConnectionError(AirflowSecretsBackendAccessDenied):
    """A test asks for a database elsewhere. Airflow lets no other error of a connection reach the task."""


_IN_C = frozenset({"postgres", "mysql", "mssql", "odbc", "jdbc", "teradata"})
"""Connections whose drivers open sockets of their own, which `Guard` does not see."""


class MemorySupervisor:
    """Stands where the connection to the supervisor is (`task_runner.SUPERVISOR_COMMS`), for one task at a time.

    `skipped` are the tasks that the task wants skipped: ids, or pairs of id and map index.
    """

    def __init__(self, memory: Memory, dag_id: str) -> None:
        self._memory = memory
        self._dag_id = dag_id
        self.skipped: list[str | tuple[str, int]] = []
        self._started = datetime.now(UTC)

    def send(self, msg: Any) -> Any:
        """The answer to a message of `airflow.sdk.execution_time.comms`. Raises NotInATrialError for what has none."""
        name = type(msg).__name__
        answer = getattr(self, f"_{name}", None)
        is_of_another = name != "TriggerDagRun" and getattr(msg, "dag_id", self._dag_id) != self._dag_id
        if answer is None or is_of_another:
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
        if msg.key == BEGUN:
            # Airflow's runner only tells the task, which then may go on; here nobody kills it afterwards.
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            return
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
        try:
            found = parsed(written, msg.conn_id)
        except Exception:  # whatever is raised may show the password
            self._memory.missing.add(unreadable(msg.conn_id))
            return comms.ErrorResponse(error=ErrorType.CONNECTION_NOT_FOUND, detail={"conn_id": msg.conn_id})
        if self._memory.stays_here and found.conn_type in _IN_C and not is_here(found.host or ""):
            raise RefusedConnectionError(f"a test may not connect to {found.host}: put its tables into `given`")
        self._memory.secrets |= secrets_of(found)
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
        return comms.TaskRescheduleStartDate(start_date=self._started)

    def _TriggerDagRun(self, msg: comms.TriggerDagRun) -> comms.OKResponse:  # noqa: N802 # as above
        self._memory.not_started.append(msg.dag_id)
        return comms.OKResponse(ok=True)

    def _SkipDownstreamTasks(self, msg: comms.SkipDownstreamTasks) -> None:  # noqa: N802 # as above
        self.skipped += msg.tasks

    def _ignore(self, _: Any) -> None:
        """What only Airflow's pages show, or the runner's own return value says, too."""

    _SucceedTask = _TaskState = _RetryTask = _RescheduleTask = _DeferTask = _ignore  # as above

    _SetRenderedFields = _SetRenderedMapIndex = _ignore  # as above

    def _MaskSecret(self, msg: comms.MaskSecret) -> None:  # noqa: N802 # as above
        self._memory.secrets |= set(hidden_in(msg.value, msg.name))


RUN, SKIPPED, UPSTREAM_FAILED = "run", "skipped", "upstream_failed"
SUCCESS, FAILED, REMOVED = "success", "failed", "removed"

_Rule = Callable[["_States"], str]


class _States:
    """Counts of final states."""

    def __init__(self, states: Iterable[str]) -> None:
        counts = Counter(states)
        self.success, self.skipped = counts[SUCCESS], counts[SKIPPED]
        self.failed, self.upstream_failed = counts[FAILED], counts[UPSTREAM_FAILED]
        self.all = sum(counts.values())

    @property
    def bad(self) -> int:
        return self.failed + self.upstream_failed


def decide(rule: str, states: Iterable[str], setups: Iterable[str] = ()) -> str:
    """`run`, or the state that a task gets in place of running. `setups`: of a teardown, the states of its setups."""
    counted = _States(states)
    if counted.all == 0 and rule != "all_done_setup_success":
        return RUN
    if rule == "all_done_setup_success":
        own = list(setups)
        return RUN if not own or SUCCESS in own else SKIPPED if all(s == SKIPPED for s in own) else UPSTREAM_FAILED
    return _RULES[rule](counted)


def _all_success(s: _States) -> str:
    return UPSTREAM_FAILED if s.bad else SKIPPED if s.skipped else RUN


def _none_failed(s: _States) -> str:
    return UPSTREAM_FAILED if s.bad else RUN


def _none_failed_min_one_success(s: _States) -> str:
    return UPSTREAM_FAILED if s.bad else SKIPPED if s.skipped == s.all else RUN if s.success else UPSTREAM_FAILED


def _one_success(s: _States) -> str:
    return RUN if s.success else SKIPPED if s.skipped == s.all else UPSTREAM_FAILED


def _all_failed(s: _States) -> str:
    return SKIPPED if s.success or s.skipped else RUN


def _one_failed(s: _States) -> str:
    return RUN if s.bad else SKIPPED


def _one_done(s: _States) -> str:
    return RUN if s.success or s.failed else SKIPPED


def _none_skipped(s: _States) -> str:
    return SKIPPED if s.skipped else RUN


def _all_done_min_one_success(s: _States) -> str:
    return SKIPPED if s.skipped else RUN if s.success else UPSTREAM_FAILED


def _all_skipped(s: _States) -> str:
    return RUN if s.skipped == s.all else SKIPPED


def _always(_: _States) -> str:
    return RUN


_RULES: Mapping[str, _Rule] = MappingProxyType(
    {
        "all_success": _all_success,
        "all_failed": _all_failed,
        "all_skipped": _all_skipped,
        "all_done": _always,
        "all_done_min_one_success": _all_done_min_one_success,
        "one_success": _one_success,
        "one_failed": _one_failed,
        "one_done": _one_done,
        "none_failed": _none_failed,
        "none_failed_min_one_success": _none_failed_min_one_success,
        "none_skipped": _none_skipped,
        "always": _always,
    }
)
