"""Days and moments in charts: the same ones as in the rows, wherever they are drawn and looked at."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from .test_chart import CHROMIUM, draw, opened


def test_no_day_is_taken_for_a_month(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = {"mark": "point", "encoding": {"x": {"field": "day", "type": "temporal"}}}
    for days in (
        ["05.02.2026", "06.02.2026"],
        ["1.2.2026"],
        ["05/02/2026", "31/12/2026"],
        ["31-12-2026", "05-02-2026"],
    ):
        with pytest.raises(AirflowException, match="with the day first: write them as 2026-12-31"):
            draw(tmp_path / "a.svg", [{"day": day} for day in days], spec)
    draw(tmp_path / "a.svg", [{"day": "05/02/2026"}, {"day": "12/31/2026"}], spec)
    assert "days of `day` such as `05/02/2026` are drawn with the month first" in " ".join(
        capsys.readouterr().out.split()
    )
    parsed = [
        {"calculate": "utc(+slice(datum.day, 6), +slice(datum.day, 3, 5) - 1, +slice(datum.day, 0, 2))", "as": "day"}
    ]
    draw(tmp_path / "a.svg", [{"day": "05.02.2026"}], {**spec, "transform": parsed})
    read = {"format": {"parse": {"day": "date:'%d.%m.%Y'"}}}
    assert b"Feb 05, 2026" in draw(tmp_path / "b.svg", [{"day": "05.02.2026"}], {**spec, "data": read})


@pytest.mark.parametrize("day", ["01.02.2026", "01.02.2026 10:00", "01.02.26", "1.2.26"])
@pytest.mark.parametrize(
    "more",
    [
        {"encoding": {"x": {"field": "day", "type": "ordinal", "timeUnit": "yearmonthdate"}}},
        {"encoding": {"x": {"field": "day", "timeUnit": "yearmonth"}}},
        {"encoding": {"x": {"field": "day", "type": "temporal"}}, "transform": [{"filter": "datum.v > 0"}]},
        {"encoding": {"row": {"field": "day", "type": "ordinal", "timeUnit": "year"}}},
        {"transform": [{"timeUnit": "month", "field": "day", "as": "m"}], "encoding": {"x": {"field": "m"}}},
    ],
)
def test_no_day_is_taken_for_a_month_however_it_is_drawn(tmp_path: Path, more: dict[str, Any], day: str) -> None:
    with pytest.raises(AirflowException, match="with the day first: write them as 2026-12-31"):
        draw(tmp_path / "a.svg", [{"day": day, "v": 1}], {"mark": "bar", **more})


def test_what_a_reader_may_not_expect_of_times_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"at": f"2026-0{month}-01T00:00:00+01:00", "year": 2020 + month} for month in (1, 2, 3)]
    encoding = {
        "x": {"field": "at", "type": "ordinal", "timeUnit": "yearmonth"},
        "y": {"field": "year", "type": "temporal", "timeUnit": "year"},
    }
    draw(tmp_path / "a.svg", rows, {"mark": "point", "encoding": encoding})
    said = " ".join(capsys.readouterr().out.split())
    assert "moments of `at` with another offset than +00:00 are drawn in UTC" in said
    assert "numbers of `year` such as 2021 are milliseconds since 1970 to Vega-Lite" in said
    draw(tmp_path / "a.svg", [{"at": "2026-01-01T00:00:00Z", "year": "2021"}], {"mark": "point", "encoding": encoding})
    assert "Vega-Lite" not in (said := capsys.readouterr().out)
    assert "UTC" not in said


DAYS = [{"day": f"2026-01-{day:02}", "month": "2026-02", "n": day} for day in (1, 2)]


def _shown(text: str, field: str) -> set[str]:
    return set(re.findall(rf"{field}: ([^;\"]*)[;\"]", text))


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Auckland", "UTC"])
def test_a_day_is_the_same_one_in_every_time_zone(tmp_path: Path, zone: str) -> None:
    x = {"field": "day", "type": "temporal"}
    spec = {"mark": "bar", "encoding": {"x": x, "y": {"field": "month", "type": "temporal"}}}
    rows = {"rows": DAYS, "spec": spec, "to": str(tmp_path / "a.svg"), "task_id": "chart"}
    code = f"from factory.operators.models import ChartOperator; ChartOperator(**{rows!r}).execute({{}})"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "TZ": zone}, check=True, capture_output=True)
    picture = (tmp_path / "a.svg").read_text()
    assert (_shown(picture, "day"), _shown(picture, "month")) == ({"Jan 01, 2026", "Jan 02, 2026"}, {"Feb 01, 2026"})


@pytest.mark.soak
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Auckland"])
def test_a_page_shows_the_days_that_the_rows_have(tmp_path: Path, zone: str) -> None:
    x = {"field": "day", "type": "temporal"}
    draw(tmp_path / "a.html", DAYS, {"mark": "bar", "encoding": {"x": x, "y": {"field": "month", "type": "temporal"}}})
    text = opened(tmp_path / "a.html", tmp_path, TZ=zone)
    assert (_shown(text, "day"), _shown(text, "month")) == ({"Jan 01, 2026", "Jan 02, 2026"}, {"Feb 01, 2026"})
