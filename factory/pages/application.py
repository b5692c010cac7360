"""What the package shows below Airflow's API server: the page *Pipelines*, the charts that tasks drew, their models.

Airflow does not authenticate a plugin's application: every route here asks who the user is, and which DAGs they may
read, and refuses what pages of other sites ask for. Who may see the XComs of a DAG may see its charts; a chart's path
is its task's output where that is the file that the task wrote, so neither a request nor an XCom can name another one.
The pages read Airflow's database alone, because an API server sees no pipelines folder.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from factory.data.places import is_remote, opened_to_read
from factory.data.row_files import RowFileError

if TYPE_CHECKING:
    from fastapi import FastAPI

PREFIX = "/pipelines"
_SCRIPTS = ("parts.js", "list.js", "pipeline.js", "page.js")
_FILES: Mapping[str, str] = MappingProxyType(dict.fromkeys(_SCRIPTS, "text/javascript") | {"page.css": "text/css"})
_PROTECTED: Mapping[str, str] = MappingProxyType(
    {
        # Only this page's own files act: a pipeline's text, an id or an error is never more than text.
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
            "frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
)

_CHARTS: Mapping[str, str] = MappingProxyType(
    {
        "/model.json": "text/html",
        ".html": "text/html",
        ".svg": "image/svg+xml",
        ".png": "image/png",
        ".pdf": "application/pdf",
    }
)
_SANDBOXED: Mapping[str, str] = MappingProxyType(
    {
        # What rows and specs say must not act as the user who looks at it.
        "Content-Security-Policy": "sandbox allow-scripts allow-downloads",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
)

_APART: Mapping[str, Any] = MappingProxyType(
    {"docs_url": None, "redoc_url": None, "openapi_url": None, "redirect_slashes": False}
)
"""No other routes than those here."""
_MOST_BYTES = 64 * 1024 * 1024
"""Of a chart that is shown: the API server holds it in memory."""

_FIGURES: Mapping[str, str] = MappingProxyType(
    {"estimator": "estimator", "target": "predicts", "metrics": "measured", "rows": "rows", "features": "from"}
)
"""What is shown of a model, of what `train` writes beside it."""


def external_views(base_path: str) -> list[dict[str, str]]:
    """The entry in the UI's navigation, and the tab on each DAG. `base_path` is that of the API server."""
    page = f"{base_path.rstrip('/')}{PREFIX}/"
    return [
        {"name": "Pipelines", "href": page, "url_route": "pipelines", "destination": "nav", "category": "browse"},
        {"name": "Pipeline", "href": f"{page}?dag={{DAG_ID}}", "url_route": "pipeline", "destination": "dag"},
    ]


class LazyApplication:
    """An ASGI application that `make` makes at the first request: most processes that load the plugin serve nothing."""

    def __init__(self, make: Callable[[], FastAPI]) -> None:
        self._make = make
        self._application: FastAPI | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._application is None:
            self._application = self._make()
        await self._application(scope, receive, send)


def asked_by_this_site() -> Any:
    """A dependency of every route: it refuses what another site's page asks for, however the user is logged in.

    Browsers say so in `Origin`, which no page of this site sends with a GET, or in `Sec-Fetch-Site`. A link from
    elsewhere may open the page, for a person to look at.
    """
    from fastapi import Depends, Header, HTTPException  # noqa: PLC0415

    def checked(
        host: str = Header(""),
        origin: str = Header(""),
        sec_fetch_site: str = Header("none"),
        sec_fetch_dest: str = Header(""),
    ) -> None:
        is_foreign = sec_fetch_site in ("cross-site", "same-site") and sec_fetch_dest != "document"
        if is_foreign or (origin and origin.partition("://")[2] != host):
            raise HTTPException(403, "Another site may not read this.")

    return Depends(checked)


def pipeline_pages() -> FastAPI:
    """The page *Pipelines*, its files and its data."""
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity  # noqa: PLC0415
    from airflow.api_fastapi.core_api.security import get_user, requires_access_dag  # noqa: PLC0415
    from fastapi import Depends, FastAPI, HTTPException, Response  # noqa: PLC0415

    from factory.pages import database  # noqa: PLC0415 # Airflow's models

    application = FastAPI(**_APART, dependencies=[asked_by_this_site()])
    is_user = Depends(get_user)

    def file(name: str) -> bytes:
        return Path(__file__).with_name(name).read_bytes()

    def page(user: Any = is_user) -> Response:  # noqa: ARG001 # whoever is logged in may have the empty page
        return Response(file("page.html"), media_type="text/html", headers=dict(_PROTECTED))

    def asset(name: str, user: Any = is_user) -> Response:  # noqa: ARG001 # as above
        if name not in _FILES:
            raise HTTPException(404, "There is no such file.")
        return Response(file(name), media_type=_FILES[name], headers=dict(_PROTECTED))

    def data(found: Any) -> Response:
        # In ASCII: texts from outside may hold halves of characters, which UTF-8 has no bytes for.
        return Response(json.dumps(found, allow_nan=False), media_type="application/json", headers=dict(_PROTECTED))

    def pipelines(user: Any = is_user) -> Response:
        return data(database.pipelines(user))

    def day(user: Any = is_user) -> Response:
        return data(database.day(user))

    def one(dag_id: str, user: Any = is_user) -> Response:
        found = database.pipeline(dag_id, user)
        if found is None:
            raise HTTPException(404, "There is no pipeline with this DAG id.")
        return data(found)

    may_read = [Depends(requires_access_dag("GET", entity)) for entity in (None, *_shown_of_a_dag(DagAccessEntity))]
    application.add_api_route("/", page, response_model=None)
    application.add_api_route("/data/pipelines", pipelines, response_model=None)
    application.add_api_route("/data/day", day, response_model=None)
    application.add_api_route("/data/pipelines/{dag_id}", one, response_model=None, dependencies=may_read)
    application.add_api_route("/{name}", asset, response_model=None)
    return application


def _shown_of_a_dag(entities: Any) -> tuple[Any, ...]:
    """What one pipeline's page shows of a DAG beside the DAG itself: its text, runs and XComs."""
    return (entities.CODE, entities.RUN, entities.XCOM)


def chart_pages() -> FastAPI:
    """What the button *Open the chart* opens, and a model's page."""
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity  # noqa: PLC0415
    from airflow.api_fastapi.core_api.security import requires_access_dag  # noqa: PLC0415
    from fastapi import Depends, FastAPI, HTTPException, Response  # noqa: PLC0415

    from factory.pages.results import drawn  # noqa: PLC0415 # Airflow's models

    application = FastAPI(**_APART, dependencies=[asked_by_this_site()])
    allowed = Depends(requires_access_dag("GET", DagAccessEntity.XCOM))

    def chart(dag_id: str, run_id: str, task_id: str, map_index: str) -> Response:
        is_number = re.fullmatch(r"-1|[0-9]{1,9}", map_index) is not None
        path = (drawn(dag_id, run_id, task_id, int(map_index)) if is_number else None) or ""
        kind = next((kind for ending, kind in _CHARTS.items() if path.lower().endswith(ending)), None)
        if kind is None:
            raise HTTPException(
                404,
                "This task has drawn no chart and trained no model, or so long ago that Airflow has forgotten where.",
            )
        try:
            content = _read(path)
            content = model_page(content) if path.endswith(".json") else content
        except (RowFileError, OSError, ValueError, RecursionError):  # the last: nested too deeply
            raise HTTPException(404, "The API server cannot read the file. Is it on another machine?") from None
        return Response(content, media_type=kind, headers={**_SANDBOXED, **_saved(path)})

    application.add_api_route("/{dag_id}/{run_id}/{task_id}/{map_index}", chart, dependencies=[allowed])
    return application


def _read(path: str) -> bytes:
    """A file as it was written. A link, which whoever may write its folder can put in its place, is not followed: it
    would be read with the rights of the API server. Raises OSError, RowFileError, ValueError."""
    if is_remote(path):
        with opened_to_read(path) as stored:
            content = stored.read(_MOST_BYTES + 1)
    else:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(opened, "rb") as file:
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                raise ValueError("no file")
            content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError("too large to be shown")
    return content


def _saved(path: str) -> Mapping[str, str]:
    """The header that lets a browser save a PDF, which it shows in no sandbox."""
    if not path.lower().endswith(".pdf"):
        return {}
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(path.rpartition('/')[2], safe='')}"}


def model_page(facts: bytes) -> bytes:
    """A model as a table. What rows and columns are called is only text. Raises ValueError for another file."""
    known = json.loads(facts)
    if not isinstance(known, dict):
        raise ValueError("not what `train` writes")  # noqa: TRY004 # the file is wrong
    shown = {name: known.get(key) for key, name in _FIGURES.items()} | {"trained": known.get("trained_at")}
    rows = "".join(f"<tr><th>{name}<td>{_figures(value)}" for name, value in shown.items() if value)
    style = "body{font:15px system-ui;margin:1rem}th{text-align:left;vertical-align:top;padding-right:1.5rem}"
    return (
        f'<!doctype html><meta charset="utf-8"><title>Model</title><style>{style}</style><table>{rows}</table>'.encode()
    )


def _figures(value: Any) -> str:
    if isinstance(value, dict):
        return "<br>".join(f"{escape(str(name))}: {escape(str(figure))}" for name, figure in value.items())
    return escape(str(value))
