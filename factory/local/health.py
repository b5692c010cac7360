"""Which components Airflow's own health check finds unhealthy, and for how long."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import requests

INTERVAL_SECONDS = 10.0
TIMEOUT_SECONDS = 10.0
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
            answer = session.get(self._url, timeout=TIMEOUT_SECONDS)
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
