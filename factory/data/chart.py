"""Rows and a Vega-Lite spec → a chart: a page that needs no network, or a picture."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from factory.data import imported
from factory.data.places import NewFile
from factory.data.row_files import plain_rows
from schemas.rules.charts import unknown_fields

PREFIX = "/pipeline-charts"
"""Where `factory.pages` shows a chart, below the API server's address."""
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
    columns = dict.fromkeys(str(name) for row in rows for name in row)
    for _, field in unknown_fields(whole, columns) if rows else ():
        raise ChartError(f"the rows have no column `{field}`, which the spec names; they have {', '.join(columns)}")
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
    if not rows:
        whole["title"] = _saying_that_it_is_empty(whole.get("title"))
    return whole


def _saying_that_it_is_empty(title: Any) -> Any:
    """A title that nobody takes for that of a chart whose rows are all 0."""
    if not title:
        return "No rows"
    known = title if isinstance(title, Mapping) else {"text": title}
    below = known.get("subtitle") or []
    return {**known, "subtitle": [*(below if isinstance(below, list) else [below]), "No rows"]}


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
