"""What the button *Open the chart* opens: a page of Airflow's API server with the chart that a task drew.

Who may see the XComs of the DAG may see its charts. The path is the task's output, so a request can name no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from factory.data.places import opened_to_read
from factory.data.row_files import RowFileError

if TYPE_CHECKING:
    from fastapi import FastAPI

PREFIX = "/pipeline-charts"
_TYPES: Mapping[str, str] = MappingProxyType(
    {".html": "text/html", ".svg": "image/svg+xml", ".png": "image/png", ".pdf": "application/pdf"}
)
_PROTECTED: Mapping[str, str] = MappingProxyType(
    {
        # What rows and specs say must not act as the user who looks at it.
        "Content-Security-Policy": "sandbox allow-scripts allow-downloads",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
)


class ChartPages:
    """An ASGI application. FastAPI comes with the first request: most processes that load the plugin serve nothing."""

    def __init__(self) -> None:
        self._application: FastAPI | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._application is None:
            self._application = _application()
        await self._application(scope, receive, send)


def _application() -> FastAPI:
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity  # noqa: PLC0415
    from airflow.api_fastapi.core_api.security import requires_access_dag  # noqa: PLC0415
    from fastapi import Depends, FastAPI, HTTPException, Response  # noqa: PLC0415

    application = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    allowed = Depends(requires_access_dag("GET", DagAccessEntity.XCOM))

    def chart(dag_id: str, run_id: str, task_id: str, map_index: int) -> Response:
        path = _drawn(dag_id, run_id, task_id, map_index)
        kind = next(
            (kind for ending, kind in _TYPES.items() if path is not None and path.lower().endswith(ending)), None
        )
        if path is None or kind is None:
            raise HTTPException(404, "This task has drawn no chart.")
        try:
            with opened_to_read(path) as file:
                content = file.read()
        except RowFileError:
            raise HTTPException(404, "The API server cannot read the chart's file. Is it on another machine?") from None
        return Response(content, media_type=kind, headers=dict(_PROTECTED))

    application.add_api_route("/{dag_id}/{run_id}/{task_id}/{map_index}", chart, dependencies=[allowed])
    return application


def _drawn(dag_id: str, run_id: str, task_id: str, map_index: int) -> str | None:
    """The output of a task that has the button."""
    from airflow.models.xcom import XComModel  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415
    from sqlalchemy import select  # noqa: PLC0415

    found: dict[str, Any] = {}
    with create_session() as session:
        asked = select(XComModel).where(
            XComModel.dag_id == dag_id,
            XComModel.run_id == run_id,
            XComModel.task_id == task_id,
            XComModel.map_index == map_index,
            XComModel.key.in_(("return_value", "_link_OpenTheChart")),
        )
        for row in session.scalars(asked):
            found[row.key] = XComModel.deserialize_value(row)
    path = found.get("return_value")
    return path if "_link_OpenTheChart" in found and isinstance(path, str) else None
