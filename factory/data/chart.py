"""Rows and a Vega-Lite spec → a chart: a page that needs no network, or a picture."""

from __future__ import annotations

import html
import json
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import starmap
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml

from factory.data import imported
from factory.data.chart_times import day_first, may_be_time, parts_of, said_of_times, time_fields
from factory.data.places import NewFile
from factory.data.row_files import plain_rows
from schemas.rules.data_values import unknown_fields

PREFIX = "/pipeline-charts"
"""Where `factory.pages` shows a chart, below the API server's address."""
FORMATS = (".html", ".svg", ".png", ".pdf")
_NUMBER = re.compile(
    r"\s*(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|0x[\da-f]+|0o[0-7]+|0b[01]+)?\s*", re.IGNORECASE | re.ASCII
)
"""Text that JavaScript takes for a number, an empty one too."""
_WITHOUT_SCALE = ("tooltip", "text", "detail", "order", "href", "url", "description", "key", "row", "column", "facet")
"""Channels that also take what is no number."""
_COUNTS = ("count", "distinct", "valid", "missing", "values")
"""Aggregates that do, too."""
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
<script>
// To JavaScript a day without a time begins in UTC: west of it a viewer would see the day before.
const parse = Date.parse;
const isDay = text => /^\\d{{4}}(-\\d\\d){{0,2}}$/.test(text);
Date.parse = text => parse(isDay(text) ? text + "0000-01-01T00:00:00".slice(text.length) : text);
</script>
<script>vegaEmbed("#chart", {spec}, {{renderer: "svg"}});</script>
</body>
</html>
"""


class ChartError(Exception):
    """A chart that cannot be drawn; the text says why."""


def draw(
    spec: Mapping[str, Any] | str, rows: Sequence[Mapping[str, Any]], to: str, title: str | None = None
) -> tuple[str, list[str]]:
    """Draw a chart into a file; return its path, and what the chart leaves out. `spec` is a mapping, or the text of a
    YAML or JSON file.

    Raises ChartError, RowFileError.
    """
    ending = next((one for one in FORMATS if to.lower().endswith(one)), None)
    if ending is None:
        raise ChartError(f"`{to}` must end with {', '.join(FORMATS)}")
    spec = _mapping(spec)
    whole = _with_rows(spec, rows, title)
    columns = dict.fromkeys(str(name) for row in rows for name in row)
    for _, field in unknown_fields(whole, columns) if rows else ():
        raise ChartError(f"the rows have no column `{field}`, which the spec names; they have {', '.join(columns)}")
    for field in _paths(spec, columns):
        written = re.sub(r"([].[])", r"\\\1", field)
        raise ChartError(
            f"Vega-Lite takes `{field}` for a path into nested values: write `{written}` (in double quotes each "
            "backslash twice), or give the column another name"
        )
    values = whole["data"]["values"]
    times = {field: [row.get(field) for row in values] for field in time_fields(spec)}
    for wrong in filter(None, starmap(day_first, times.items())):
        raise ChartError(wrong)
    picture, content = _drawn(whole, ending)
    new = NewFile(to)
    try:
        Path(new.part).write_bytes(content)
        new.publish()
    finally:
        new.discard()
    is_picture = ending != ".html"
    notes = [said for field, one in times.items() for said in said_of_times(field, one, is_picture=is_picture)]
    notes += _undrawn(spec, values)
    if rows and _is_blank(picture):
        notes.append(f"{new.path} shows nothing: no row has a value that the spec draws")
    return new.path, notes


def _paths(spec: Mapping[str, Any], columns: Iterable[str]) -> Iterator[str]:
    """The fields of a spec that are names of columns, and paths to Vega-Lite."""
    for part in parts_of(spec):
        field = part.get("field")
        if isinstance(field, str) and field in columns and any(sign in field for sign in ".["):
            yield field


def _is_blank(picture: str) -> bool:
    """Whether an SVG of Vega's has no mark in it; a line through nothing is a path without a course."""
    marks = [one for one in ElementTree.fromstring(picture).iter() if "role-mark" in one.get("class", "")]  # noqa: S314 # the engine's own
    return not any(
        one.get("d") or one.tag.rpartition("}")[2] in ("text", "line", "image") for mark in marks for one in mark
    )


def _drawn_fields(spec: Mapping[str, Any]) -> Iterable[tuple[str, str, bool]]:
    """Those of `_on_scales` that are the rows' own: a `transform` may make others of them."""
    return () if any("transform" in part for part in parts_of(spec)) else dict.fromkeys(_on_scales(spec))


def _undrawn(spec: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What Vega-Lite leaves out of a chart and says nothing: values that have no place on
    their scale."""
    found = []
    for field, kind, is_log in _drawn_fields(spec):
        fits, name = _SCALES[kind]
        values = [row[field] for row in rows if row.get(field) is not None]
        wrong = sum(not fits(value) for value in values)
        if wrong:
            are = f"is no {name} and is" if wrong == 1 else f"are no {name}s and are"
            found.append(f"{wrong} of {len(values)} values of `{field}` {are} not drawn")
        low = sum(not _may_be_on_a_log_scale(value) for value in values) if is_log else 0
        if low:
            found.append(
                f"{low} of {len(values)} values of `{field}` {'is' if low == 1 else 'are'} 0 or less, which no `log` "
                "scale has: others are in wrong places, too; filter such rows out, or take `symlog`"
            )
    return found


def _may_be_on_a_log_scale(value: Any) -> bool:
    """Whether it is above 0, or nothing that a scale of numbers takes."""
    try:
        return not _is_number(value) or float(str(value).strip() or 0) > 0
    except ValueError:  # `True`, or JavaScript's `0x1F`
        return bool(value)


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return _NUMBER.fullmatch(value) is not None
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


_SCALES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "quantitative": (_is_number, "number"),
    "temporal": (may_be_time, "time"),
}
"""Type of a field → what is drawn, and what that is called."""


def _on_scales(value: Any) -> Iterator[tuple[str, str, bool]]:
    """The fields with such a type, the type, and whether the scale is logarithmic."""
    if isinstance(value, list | tuple):
        for one in value:
            yield from _on_scales(one)
    if not isinstance(value, Mapping):
        return
    encoding = value.get("encoding")
    for channel, given in encoding.items() if isinstance(encoding, Mapping) else ():
        if not isinstance(given, Mapping) or channel in _WITHOUT_SCALE or given.get("aggregate") in _COUNTS:
            continue
        is_computed = bool(given.get("aggregate") or given.get("bin"))
        kind = given.get("type", "quantitative" if is_computed else "temporal" if given.get("timeUnit") else None)
        if isinstance(given.get("field"), str) and kind in _SCALES:
            scale = given.get("scale")
            is_log = isinstance(scale, Mapping) and scale.get("type") == "log" and not is_computed
            yield given["field"], kind, is_log
    for key, one in value.items():
        if key != "encoding":
            yield from _on_scales(one)


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
    data = spec.get("data")
    kept = {"format": data["format"]} if isinstance(data, Mapping) and "format" in data else {}
    whole["data"] = {**kept, "values": list(plain_rows(rows))}
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


def _has_address(spec: Mapping[str, Any]) -> bool:
    return any(isinstance(data := part.get("data"), Mapping) and "url" in data for part in parts_of(spec))


def _drawn(spec: dict[str, Any], ending: str) -> tuple[str, bytes]:
    """The chart as SVG, and as the file's format has it."""
    engine = imported("vl_convert", task="chart", extra="chart")
    try:
        with _in_utc():
            picture = str(engine.vegalite_to_svg(spec, allowed_base_urls=[]))
    except ValueError as error:
        lines = str(error).strip().splitlines()
        raise ChartError(f"Vega-Lite cannot draw the spec: {(lines[1:2] or lines)[0].strip()}") from None
    if ending == ".svg":
        return picture, picture.encode()
    if ending == ".png":
        return picture, bytes(engine.svg_to_png(picture, scale=_SCALE))
    if ending == ".pdf":
        return picture, bytes(engine.svg_to_pdf(picture))
    return picture, _page(spec, engine.javascript_bundle())


@contextmanager
def _in_utc() -> Iterator[None]:
    """The engine starts with this time zone: a day without a time begins in UTC to it, and is shown in the zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before


def _page(spec: Mapping[str, Any], script: str) -> bytes:
    """A page with its scripts and rows in it. `<` is written so that no row can end a script."""
    title = spec.get("title") or "Chart"
    text = title if isinstance(title, str) else title.get("text", "Chart") if isinstance(title, Mapping) else "Chart"
    data = json.dumps(spec, ensure_ascii=False, default=str).replace("<", "\\u003c")
    data = data.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return _PAGE.format(
        title=html.escape(str(text)), script=script.replace("</script", "<\\/script"), spec=data
    ).encode()
