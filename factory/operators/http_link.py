"""The button of a task in Airflow's UI that leads to what was requested."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperatorLink


class RequestedUrlLink(BaseOperatorLink):
    """The URL of the last page, without credentials and query, which may hold secrets."""

    name = "Requested URL"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 # the base class names it
        """Airflow asks for it in the task's process, when the task is over; empty where nothing was requested."""
        url: str = operator.requested_url
        return url.removesuffix("?…")
