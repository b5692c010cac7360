"""The task `chart`: files that open without a network, and the page that Airflow shows them on."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from factory.operators.models import ChartOperator, OpenTheChart

pytest.importorskip("vl_convert")

ROWS = [{"day": "2026-01-01", "total": 3}, {"day": "2026-01-02", "total": 5.5}]
SPEC = {"mark": "bar", "encoding": {"x": {"field": "day"}, "y": {"field": "total", "type": "quantitative"}}}
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def draw(to: Path, rows: list[dict[str, Any]] | None = None, spec: Any = SPEC, **arguments: Any) -> bytes:
    source = {} if {"conn_id", "file"} & set(arguments) else {"rows": ROWS if rows is None else rows}
    operator = ChartOperator(task_id="chart", spec=spec, to=str(to), **source, **arguments)
    assert operator.execute({}) == str(to)
    return to.read_bytes()


def test_pictures(tmp_path: Path) -> None:
    assert b"2026-01-02" in draw(tmp_path / "a.svg")
    assert draw(tmp_path / "a.png").startswith(b"\x89PNG")
    assert draw(tmp_path / "charts" / "a.pdf").startswith(b"%PDF")
    assert b"Orders" in draw(tmp_path / "b.svg", title="Orders")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page whose rows try to be more than text."""
    to = tmp_path_factory.mktemp("page") / "a.html"
    evil = "</script><script>document.title = 'broken'</script><!--"
    draw(to, [*ROWS, {"day": evil, "total": 1}], title="Orders <b>")
    return to


def test_a_page_holds_all_that_it_needs(page: Path) -> None:
    text = page.read_text()
    outside = re.sub(r"(?s)<script>.*?</script>", "", text)
    assert re.findall(r"<script|src=|href=|url\(", outside) == []
    assert "<title>Orders &lt;b&gt;</title>" in text
    assert text.count("</script>") == 3
    assert "default-src 'none'" in text


def opened(page: Path, folder: Path, **environment: str) -> str:
    """What a page has become in Chromium."""
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'user'}"]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=10000", "--dump-dom", page.as_uri()]
    environment = {**os.environ, **environment}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=True).stdout


@pytest.mark.soak
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_a_page_opens_in_a_browser_without_a_network(page: Path, tmp_path: Path) -> None:
    text = opened(page, tmp_path)
    assert "<svg" in text
    assert "2026-01-02" in text
    assert "<title>Orders &lt;b&gt;</title>" in text


def test_rows_come_from_a_file_or_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    assert b"2026-01-02" in draw(tmp_path / "a.svg", file=str(tmp_path / "*.jsonl"))
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database, database:
        database.execute("CREATE TABLE days AS SELECT '2026-01-02' AS day, 5 AS total")
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "shop.db")}))
    assert b"2026-01-02" in draw(tmp_path / "b.svg", conn_id="shop", sql="SELECT * FROM days")


def test_a_spec_can_be_a_file_s_text(tmp_path: Path) -> None:
    assert b"2026-01-02" in draw(tmp_path / "a.svg", spec=json.dumps(SPEC))
    assert b"2026-01-02" in draw(
        tmp_path / "b.svg", spec="mark: line\nencoding: {x: {field: day}, y: {field: total}}\n"
    )


def test_a_chart_reads_nothing_but_its_rows(tmp_path: Path) -> None:
    for spec in (
        {**SPEC, "data": {"url": "http://127.0.0.1:1/a.csv"}},
        {"layer": [{**SPEC, "data": {"url": "/etc/passwd"}}]},
    ):
        with pytest.raises(AirflowException, match="reads nothing else"):
            draw(tmp_path / "a.svg", spec=spec)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_drawn_is_said_and_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("before")
    with pytest.raises(AirflowException, match="Vega-Lite cannot draw the spec"):
        draw(tmp_path / "a.html", spec={"mark": "nothing"})
    with pytest.raises(AirflowException, match=r"must end with .html, .svg, .png, .pdf"):
        draw(tmp_path / "a.jpg")
    with pytest.raises(AirflowException, match="is no mapping"):
        draw(tmp_path / "a.svg", spec="- a\n")
    with pytest.raises(AirflowException, match="no column `land`, which the spec names; they have day, total"):
        draw(tmp_path / "a.svg", spec={**SPEC, "encoding": {"x": {"field": "land"}}})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.html": "before"}


@pytest.mark.parametrize(
    ("title", "texts"),
    [
        (None, ["No rows"]),
        ("Orders", ["Orders", "No rows"]),
        ({"text": "Orders", "subtitle": "of May"}, ["Orders", "of May", "No rows"]),
        ({"text": ["Orders", "and more"], "subtitle": ["of", "May"]}, ["Orders", "and more", "of", "May", "No rows"]),
    ],
)
def test_a_chart_without_rows_says_so(
    tmp_path: Path, title: Any, texts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    spec = SPEC if title is None else {**SPEC, "title": title}
    found = re.findall(r">([^<>]+)</(?:text|tspan)>", draw(tmp_path / "a.svg", [], spec).decode())
    assert [text for text in found if text in texts] == texts
    assert f"There are no rows: {tmp_path / 'a.svg'} says so" in capsys.readouterr().out


SCALES: list[tuple[str, list[Any]]] = [
    (
        "quantitative",
        ["x", "2,5", "Infinity", "1_0", float("nan"), float("inf"), {"a": 1}, "12", " 1e3 ", "0x1F", True],
    ),
    ("temporal", ["x", "31.12.2026", "13/1/2026", "soon", "2026-01-02", "01/02/2026", "Jan 2 2026", 12]),
]


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in SCALES for value in values])
def test_a_value_that_is_not_drawn_is_said(
    tmp_path: Path, kind: str, value: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = {"mark": "point", "encoding": {"x": {"field": "k"}, "y": {"field": "v", "type": kind}}}
    drawn = draw(tmp_path / "a.svg", [{"k": "a", "v": value}], spec).count(b'aria-roledescription="point"')
    said = f"1 of 1 values of `v` is no {'number' if kind == 'quantitative' else 'time'} and is not drawn"
    assert (said in capsys.readouterr().out) == (drawn == 0)


def test_values_that_are_not_drawn_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"k": "a", "v": "x"}, {"k": "b", "v": "2,5"}, {"k": "c", "v": None}, {"k": "d", "v": 1}, {"k": "e"}]
    said = "2 of 3 values of `v` are no numbers and are not drawn"
    number = {"encoding": {"x": {"field": "k"}, "y": {"field": "v", "type": "quantitative"}}, "mark": "bar"}
    summed = {"encoding": {"y": {"field": "v", "aggregate": "sum"}}, "mark": "bar"}
    shown = {"field": "v", "type": "quantitative"}
    for spec in (number, {"layer": [number, {**number, "mark": "line"}]}, {"hconcat": [summed]}, json.dumps(number)):
        draw(tmp_path / "a.svg", rows, spec)
        assert capsys.readouterr().out.count(said) == 1
    for encoding in ({"y": {"field": "v", "aggregate": "count"}}, {"x": {"field": "v"}}, {"tooltip": shown}):
        draw(tmp_path / "a.svg", rows, {"mark": "bar", "encoding": encoding})
    made = [{"calculate": "toNumber(replace(datum.v, ',', '.'))", "as": "v"}]
    draw(tmp_path / "a.svg", rows, {**number, "transform": made})
    assert "not drawn" not in capsys.readouterr().out


SCALE = {"field": "v", "type": "quantitative"}


@pytest.mark.parametrize(
    ("values", "spec"),
    [
        ([None, None], {"mark": "bar", "encoding": {"x": {"field": "k"}, "y": SCALE}}),
        ([None], {"mark": "line", "encoding": {"x": {"field": "k"}, "y": SCALE}}),
        ([None], {"layer": [{"mark": "area"}, {"mark": "text"}], "encoding": {"x": {"field": "k"}, "y": SCALE}}),
        ([1, 2], {"mark": "point", "transform": [{"filter": "datum.v > 5"}], "encoding": {"y": SCALE}}),
        ([None], {"mark": "boxplot", "encoding": {"y": SCALE}}),
    ],
)
def test_a_chart_with_rows_and_no_mark_says_so(
    tmp_path: Path, values: list[Any], spec: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    said = "shows nothing: no row has a value that the spec draws"
    for ending in ("svg", "html"):
        draw(tmp_path / f"a.{ending}", [{"k": "a", "v": value} for value in values], spec)
        assert said in capsys.readouterr().out
    draw(tmp_path / "a.svg", [{"k": "a", "v": 7}, {"k": "b", "v": 8}], spec)
    assert said not in capsys.readouterr().out


def test_a_log_scale_has_no_place_for_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"v": value} for value in (0, -1.5, "0.0", 1, 10, "5e-1", "0x1F", None, "x")]
    draw(tmp_path / "a.svg", rows, {"mark": "point", "encoding": {"y": {**SCALE, "scale": {"type": "log"}}}})
    assert "3 of 8 values of `v` are 0 or less, which no `log` scale has" in capsys.readouterr().out
    draw(tmp_path / "a.svg", rows, {"mark": "point", "encoding": {"y": {**SCALE, "scale": {"type": "symlog"}}}})
    assert "0 or less" not in capsys.readouterr().out


def test_no_rows_leave_every_form_of_a_spec_one_that_can_be_drawn(tmp_path: Path) -> None:
    made = {**SPEC, "transform": [{"calculate": "datum.total * 2", "as": "twice"}]}
    for number, spec in enumerate(
        (
            {**made, "encoding": {"y": {"field": "twice"}}},
            {"layer": [SPEC, SPEC]},
            {"hconcat": [SPEC, SPEC]},
            {"facet": {"field": "day"}, "spec": SPEC},
        )
    ):
        assert b"No rows" in draw(tmp_path / f"{number}.svg", [], spec)
        assert b"No rows" not in draw(tmp_path / f"{number}.svg", None, spec)
    assert b"No rows" in draw(tmp_path / "a.html", [], title="Orders")


@pytest.mark.parametrize(("name", "escaped"), [("a.b", "a\\.b"), ("a[0]", "a\\[0\\]")])
def test_a_column_whose_name_is_a_path_to_vega_lite(tmp_path: Path, name: str, escaped: str) -> None:
    rows = [{name: 1, "v": 2}, {name: 3, "v": 4}]
    spec: dict[str, Any] = {"mark": "bar", "encoding": {"x": {"field": name, "type": "ordinal"}, "y": {"field": "v"}}}
    with pytest.raises(
        AirflowException, match=re.escape(f"takes `{name}` for a path into nested values: write `{escaped}`")
    ):
        draw(tmp_path / "a.svg", rows, spec)
    spec["encoding"]["x"]["field"] = escaped
    assert draw(tmp_path / "a.svg", rows, spec).count(b'aria-roledescription="bar"') == 2
    spec["encoding"]["x"]["field"] = "a.b"
    draw(tmp_path / "a.svg", [{"a": {"b": 1}, "v": 2}], spec)


def test_the_button_leads_to_the_task_s_chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    operator = ChartOperator(task_id="chart", spec=SPEC, to="a.svg", rows=ROWS)
    key = SimpleNamespace(dag_id="shop", run_id="manual__2026-01-01T00:00:00+00:00", task_id="g.chart", map_index=-1)
    assert OpenTheChart().get_link(operator, ti_key=key) == ""
    operator.execute({})
    assert operator.to == str(tmp_path / "a.svg")  # which Airflow stores, for the page
    assert operator.overwrite_rtif_after_execution
    link = OpenTheChart().get_link(operator, ti_key=key)
    assert link.endswith("/pipeline-charts/shop/manual__2026-01-01T00%3A00%3A00%2B00%3A00/g.chart/-1")
