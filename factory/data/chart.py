"""Rows and a Vega-Lite spec → a chart: a page that needs no network, or a picture.

The button *Open the chart* opens a page of Airflow's API server with the chart that a task drew. Who may see the XComs
of the DAG may see its charts. The path is the task's output, so a request can name no file.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import yaml

from factory.data.extras import imported
from factory.data.places import NewFile, opened_to_read
from factory.data.row_files import RowFileError, plain_rows

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
        path = _stored_chart(dag_id, run_id, task_id, map_index)
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


def _stored_chart(dag_id: str, run_id: str, task_id: str, map_index: int) -> str | None:
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


FORMATS = (".html", ".svg", ".png", ".pdf")
_SCALE = 2.0
"""Pixels of a PNG for each of the chart's own."""
_PAGE = """<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; \
style-src 'unsafe-inline'; img-src data: blob:">
<title>{title}</title>
<style>body {{ font-family: sans-serif; margin: 1.5rem; }} #chart {{ width: 100%; }}</style>
</head>
<body>
<div id="chart"></div>
<script>{script}</script>
<script>vegaEmbed("#chart", {spec}, {{renderer: "svg"}});</script>
</body>
</html>
"""


class ChartError(Exception):
    """A chart that cannot be drawn; the text says why."""


def draw(spec: Mapping[str, Any] | str, rows: Sequence[Mapping[str, Any]], to: str, title: str | None = None) -> str:
    """Draw a chart into a file; return its path. `spec` is a mapping, or the text of a YAML or JSON file.

    Raises ChartError, RowFileError.
    """
    ending = next((one for one in FORMATS if to.lower().endswith(one)), None)
    if ending is None:
        raise ChartError(f"`{to}` must end with {', '.join(FORMATS)}")
    whole = _with_rows(_mapping(spec), rows, title)
    content = _drawn(whole, ending)
    new = NewFile(to)
    try:
        Path(new.part).write_bytes(content)
        new.publish()
    finally:
        new.discard()
    return new.path


def _mapping(spec: Mapping[str, Any] | str) -> Mapping[str, Any]:
    if isinstance(spec, str):
        try:
            spec = yaml.safe_load(spec)
        except yaml.YAMLError as error:
            raise ChartError(f"the spec's file cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(spec, Mapping):
        raise ChartError("the spec is no mapping of Vega-Lite's keys")
    return spec


def _with_rows(spec: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], title: str | None) -> dict[str, Any]:
    if _has_address(spec):
        raise ChartError("the spec has `data` with a `url`: a chart shows the task's rows and reads nothing else")
    whole = {key: value for key, value in spec.items() if key != "data"}
    whole["data"] = {"values": list(plain_rows(rows))}
    if title is not None:
        whole["title"] = title
    return whole


def _has_address(value: Any) -> bool:
    if isinstance(value, Mapping):
        data = value.get("data")
        return (isinstance(data, Mapping) and "url" in data) or any(map(_has_address, value.values()))
    return isinstance(value, list | tuple) and any(map(_has_address, value))


def _drawn(spec: dict[str, Any], ending: str) -> bytes:
    engine = imported("vl_convert", task="chart", extra="chart")
    offline: dict[str, Any] = {"allowed_base_urls": []}
    try:
        if ending == ".svg":
            return str(engine.vegalite_to_svg(spec, **offline)).encode()
        if ending == ".png":
            return bytes(engine.vegalite_to_png(spec, scale=_SCALE, **offline))
        if ending == ".pdf":
            return bytes(engine.vegalite_to_pdf(spec, **offline))
        # A spec that cannot be drawn would be an empty page.
        engine.vegalite_to_svg(spec, **offline)
        return _page(spec, engine.javascript_bundle())
    except ValueError as error:
        lines = str(error).strip().splitlines()
        raise ChartError(f"Vega-Lite cannot draw the spec: {(lines[1:2] or lines)[0].strip()}") from None


def _page(spec: Mapping[str, Any], script: str) -> bytes:
    """A page with its scripts and rows in it. `<` is written so that no row can end a script."""
    title = spec.get("title") or "Chart"
    text = title if isinstance(title, str) else title.get("text", "Chart") if isinstance(title, Mapping) else "Chart"
    data = json.dumps(spec, ensure_ascii=False, default=str).replace("<", "\\u003c")
    data = data.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return _PAGE.format(
        title=html.escape(str(text)), script=script.replace("</script", "<\\/script"), spec=data
    ).encode()
