"""Airflow's REST API on loopback, read-only.

Which components Airflow's own health check finds unhealthy, and for how long.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

import requests

TIMEOUT_SECONDS = 10
PAGE = 100
"""Airflow's `[api] maximum_page_limit`."""

FINISHED = ("success", "failed", "skipped", "upstream_failed", "up_for_retry")

Params = Mapping[str, str | int | list[str]]


class ApiUnavailableError(Exception):
    """The API gave no usable answer; it may the next time."""


class AirflowClient:
    """One user's session. Logs in by itself, again when the token has run out. Used by one thread."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._login = {"username": user, "password": password}
        self.session = requests.Session()
        # A shell's proxy settings and .netrc are not for loopback.
        self.session.trust_env = False

    def get(self, path: str, params: Params | None = None) -> Any:
        """The decoded answer below `/api/v2`, or None where there is no such thing.

        Raises ApiUnavailableError.
        """
        try:
            answer = self._request(path, params)
            if answer.status_code == requests.codes.unauthorized:
                self._log_in()
                answer = self._request(path, params)
            if answer.status_code == requests.codes.not_found:
                return None
            answer.raise_for_status()
            return answer.json()
        except requests.RequestException as error:
            raise ApiUnavailableError(str(error)) from error

    def dags(self) -> list[dict[str, Any]]:
        """All DAGs that the database knows, stale ones included. Raises ApiUnavailableError."""
        return list(self._pages("/dags", "dags", {"exclude_stale": "false", "order_by": "dag_id"}))

    def import_errors(self) -> list[dict[str, Any]]:
        """Raises ApiUnavailableError."""
        return list(self._pages("/importErrors", "import_errors", {"order_by": "id"}))

    def scheduled_runs(self, updated_since: datetime) -> list[dict[str, Any]]:
        """Runs that the scheduler made, of all DAGs, that changed. Raises ApiUnavailableError."""
        params: Params = {"updated_at_gte": updated_since.isoformat(), "run_type": ["scheduled"], "order_by": "id"}
        return list(self._pages("/dags/~/dagRuns", "dag_runs", params))

    def unfinished_runs(self, dag_id: str) -> int:
        """How many runs of a DAG have not ended. Raises ApiUnavailableError."""
        path = f"/dags/{quote(dag_id, safe='')}/dagRuns"
        answer = self.get(path, {"state": ["queued", "running"], "limit": 1})
        return answer["total_entries"] if answer else 0

    def deleted_dags(self, since: datetime) -> set[str]:
        """The DAGs that a person deleted, by the audit log. Raises ApiUnavailableError."""
        params: Params = {"event": "delete_dag", "after": since.isoformat(), "order_by": "id"}
        return {entry["dag_id"] for entry in self._pages("/eventLogs", "event_logs", params)}

    def finished_tasks(self, updated_since: datetime) -> list[dict[str, Any]]:
        """Task instances, of all DAGs, in a state that ends an attempt. Raises ApiUnavailableError."""
        params: dict[str, str | int | list[str]] = {
            "updated_at_gte": updated_since.isoformat(),
            "state": list(FINISHED),
            "order_by": "id",
            "limit": PAGE,
        }
        found: list[dict[str, Any]] = []
        # By cursor, not by offset: rows come while pages are read.
        cursor: str | None = ""
        while cursor is not None:
            page = self._listed("/dags/~/dagRuns/~/taskInstances", {**params, "cursor": cursor})
            found += page["task_instances"]
            cursor = page["next_cursor"]
        return found

    def attempts(self, task: Mapping[str, Any]) -> list[dict[str, Any]]:
        """All attempts of one task instance, the latest included. Raises ApiUnavailableError."""
        mapped = f"/{task['map_index']}" if task["map_index"] >= 0 else ""
        answer = self.get(f"{task_path(task)}{mapped}/tries")
        return answer["task_instances"] if answer else []

    def xcom(self, task: Mapping[str, Any], key: str) -> Any:
        """What the task instance pushed under `key`, or None. Raises ApiUnavailableError."""
        path = f"{task_path(task)}/xcomEntries/{quote(key, safe='')}"
        answer = self.get(path, {"map_index": task["map_index"]})
        return answer["value"] if answer else None

    def _pages(self, path: str, key: str, params: Params) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            page = self._listed(path, {**params, "limit": PAGE, "offset": offset})
            yield from page[key]
            offset += PAGE
            if offset >= page["total_entries"]:
                return

    def _listed(self, path: str, params: Params) -> Any:
        """A page of a list that is always there. Raises ApiUnavailableError, also where the API has no such list."""
        page = self.get(path, params)
        if page is None:
            raise ApiUnavailableError(f"{path}: not found")
        return page

    def _request(self, path: str, params: Params | None) -> requests.Response:
        return self.session.get(f"{self.url}/api/v2{path}", params=params, timeout=TIMEOUT_SECONDS)

    def _log_in(self) -> None:
        answer = self.session.post(f"{self.url}/auth/token", json=self._login, timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def task_path(task: Mapping[str, Any]) -> str:
    """Where the API has a task instance."""
    dag, run, name = (quote(task[key], safe="") for key in ("dag_id", "dag_run_id", "task_id"))
    return f"/dags/{dag}/dagRuns/{run}/taskInstances/{name}"


INTERVAL_SECONDS = 10.0
HEALTH_TIMEOUT_SECONDS = 10.0
WATCHED = {"scheduler": "scheduler", "dag_processor": "dag-processor"}
"""The health check's name → the component's."""


class HealthWatch:
    """Asks in a thread of its own, for an answer may take long. No answer says nothing about a component."""

    def __init__(self, url: str, interval: float = INTERVAL_SECONDS) -> None:
        self._url = f"{url}/api/v2/monitor/health"
        self._interval = interval
        self._since: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; does not wait for an answer that is under way."""
        self._stop.set()

    def unhealthy_since(self) -> dict[str, float]:
        """Component → when it was first found unhealthy without a better answer since, by time.monotonic."""
        return self._since

    def _run(self) -> None:
        with requests.Session() as session:
            # A shell's proxy settings are not for loopback.
            session.trust_env = False
            while not self._stop.wait(self._interval):
                self._since = merge(self._since, self._ask(session), time.monotonic())

    def _ask(self, session: requests.Session) -> Any:
        try:
            answer = session.get(self._url, timeout=HEALTH_TIMEOUT_SECONDS)
            answer.raise_for_status()
            return answer.json()
        except requests.RequestException:
            # The API server starts, is busy or stops; the reporter says so when it lasts.
            return None


def merge(before: Mapping[str, float], answer: Any, now: float) -> dict[str, float]:
    """The times after one more answer. Without one, or without the database, nothing is known."""
    if not isinstance(answer, Mapping) or _status(answer, "metadatabase") != "healthy":
        return {}
    bad = [name for key, name in WATCHED.items() if _status(answer, key) == "unhealthy"]
    return {name: before.get(name, now) for name in bad}


def _status(answer: Mapping[str, Any], key: str) -> object:
    part = answer.get(key)
    return part.get("status") if isinstance(part, Mapping) else None
