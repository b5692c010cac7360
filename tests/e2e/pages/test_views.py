"""The page *Pipelines* in a real Chromium, on what `make run` starts; makes the screenshots of the docs."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.e2e.browser import Browser
from tests.e2e.harness import CHECKOUT, LocalRun
from tests.e2e.pages.conftest import BROKEN

pytestmark = pytest.mark.soak
TAB, ENTER = "\ue004", "\ue007"
MANY = 5000
IMAGES = Path(os.environ.get("SCREENSHOTS") or CHECKOUT / "build" / "screenshots")
"""`SCREENSHOTS=docs/images` renews those of the docs."""


def picture(window: Browser, name: str) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    window.picture(IMAGES / f"{name}.png")


VIEWS = {
    "pipelines": ("#/", "orders_report"),
    "pipeline": ("#/pipeline/orders_report", "What its polls brought"),
    "broken": ("#/broken/broken.yaml", "PF201"),
    "day": ("#/day", "Last 24 hours"),
}


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [400, 1600])
def test_every_view_fits(run: LocalRun, window: Browser, width: int, dark: bool) -> None:
    window.size(width, 900)
    window.dark(dark)
    for name, (path, words) in VIEWS.items():
        window.open("about:blank")
        window.open(f"{run.url}/pipelines/{path}")
        window.wait_for(lambda words=words: words in window.text(), name)  # type: ignore[misc]
        assert window.script("document.documentElement.dataset.theme") == ("dark" if dark else "light")
        assert window.script("innerWidth") == width
        assert window.script("document.documentElement.scrollWidth <= innerWidth"), name
        assert window.unnamed() == [], name
        cut = "[...document.querySelectorAll('.rows .runs')].filter((one) => one.scrollWidth > one.clientWidth).length"
        assert window.script(cut) == 0, name
        if name == "pipelines":
            visible = f"[...document.querySelectorAll('.rows .{'narrow' if width == 400 else 'when'}')]"
            assert window.script(f"{visible}.some((one) => one.offsetHeight && one.innerText.includes('At '))")
        picture(window, f"{name}_{width}{'_dark' if dark else ''}")
    assert window.errors() == []


def test_keys_lead_everywhere(run: LocalRun, window: Browser) -> None:
    window.open(f"{run.url}/pipelines/")
    window.wait_for(lambda: "orders_report" in window.text(), "the list")
    assert window.script("document.activeElement.type") == "search"
    window.keys("orders_rep")
    window.wait_for(lambda: "1 of " in window.text(), "the search")
    for _ in range(5):
        window.keys(TAB)
    assert window.script("document.activeElement.innerText") == "orders_report"
    window.keys(ENTER)
    window.wait_for(lambda: "As it is written" in window.text(), "the pipeline")
    assert window.script("document.activeElement.id") == "main"


def test_the_view_that_is_open_is_marked_and_no_address_stops_the_page(run: LocalRun, window: Browser) -> None:
    for path, words, marked in (
        ("#/", "orders_report", "nav-list"),
        ("#/day", "Runs that began", "nav-day"),
        ("#%", "orders_report", "nav-list"),
        ("#/pipeline/50%", "There is no such pipeline", None),
        ("#/broken/50%", "There is no such file", None),
    ):
        window.open("about:blank")
        window.open(f"{run.url}/pipelines/{path}")
        window.wait_for(lambda words=words: words in window.text(), path)  # type: ignore[misc]
        assert window.script("document.querySelector('nav [aria-current=page]')?.id ?? null") == marked, path


def test_a_pdf_is_to_be_saved(run: LocalRun, window: Browser, token: str) -> None:
    window.open(f"{run.url}/pipelines/#/pipeline/evil")
    window.wait_for(lambda: "Download evil.pdf" in window.text(), "the link")
    address = window.script("document.querySelector('a[download]').href")
    answer = requests.get(address, cookies={"_token": token}, timeout=30)
    assert answer.content.startswith(b"%PDF")
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''evil.pdf"


def test_five_thousand_pipelines_are_listed(run: LocalRun, window: Browser) -> None:
    add_many(run.home)
    window.size(1600, 900)
    window.open(f"{run.url}/pipelines/")
    told = "(document.querySelector('main [role=status]')?.innerText ?? '0').split(' ')[0]"
    window.wait_for(lambda: int(window.script(told)) > MANY, "all of them")
    count = int(window.script(told))
    assert window.script("document.querySelectorAll('.row').length") < 100
    window.script("scrollTo(0, document.body.scrollHeight)")
    last = f"many_{MANY - 1:05}"
    window.wait_for(lambda: window.script("document.querySelector('.row:last-child').ariaRowIndex") == str(count), "it")
    window.keys(last)
    window.wait_for(lambda: f"1 of {count}" in window.text() and last in window.text(), "the one that is searched for")
    took = window.script("performance.getEntriesByName(new URL('data/pipelines', location).href)[0].duration")
    print(f"{count} pipelines were answered in {took:.0f} ms")


def add_many(home: Path) -> None:
    """As if Airflow had read so many files, which would take it an hour."""
    add(home, [(f"many_{number:05}", f"many/{number:05}.yaml.py") for number in range(MANY)])


def add(home: Path, rows: list[tuple[str, str]]) -> None:
    """Rows of Airflow's table of DAGs: ids and files."""
    with closing(sqlite3.connect(home / "airflow.db", timeout=60)) as database, database:
        names = [row[1] for row in database.execute("PRAGMA table_info(dag)")]
        values = ["?" if name == "dag_id" else "?" if name == "relative_fileloc" else f'"{name}"' for name in names]
        columns = ", ".join(f'"{name}"' for name in names)
        order = rows if names.index("dag_id") < names.index("relative_fileloc") else [row[::-1] for row in rows]
        database.executemany(
            f"INSERT INTO dag ({columns}) SELECT {', '.join(values)} FROM dag WHERE dag_id = 'hello_etl'",  # noqa: S608
            order,
        )


def test_one_pipeline_shows_what_it_brought_and_its_chart(run: LocalRun, window: Browser) -> None:
    window.size(1600, 1400)
    window.open(f"{run.url}/pipelines/#/pipeline/orders_report")
    window.wait_for(lambda: "What its polls brought" in window.text(), "the pipeline")
    assert "warehouse" in window.text()
    assert window.script("document.querySelectorAll('svg rect').length") >= 1
    assert window.script("document.querySelector('iframe').getAttribute('sandbox')") == "allow-scripts"
    window.wait_for(lambda: bool(window.script("document.querySelectorAll('.text .l').length > 5")), "the text")
    window.inside(0)
    window.wait_for(
        lambda: bool(window.script("document.querySelector('svg.marks, canvas.marks') !== null")), "the chart"
    )
    window.inside(None)
    assert "next runs" in window.text()
    window.script("document.querySelector('details').toggleAttribute('open', true)")
    assert "# pipelines/_defaults.yaml:2" in window.text()
    picture(window, "pipeline")


def test_a_broken_pipeline_is_seen_to_be_repaired_without_a_reload(run: LocalRun, window: Browser) -> None:
    window.open(f"{run.url}/pipelines/")
    window.wait_for(lambda: "1 broken" in window.text(), "the broken file")
    assert "PF201" in window.text()
    (run.pipelines / "broken.yaml").write_text(BROKEN.replace("25", "5"))
    window.wait_for(lambda: "1 broken" not in window.text() and "broken" in window.text(), "the repaired file")


def test_the_page_of_a_broken_file_and_the_day_renew_themselves(run: LocalRun, window: Browser) -> None:
    file = run.pipelines / "renewed.yaml"
    file.write_text(BROKEN)
    add(run.home, [("a_sound_one", "renewed.yaml.py")])  # as if another bundle had a file of this name
    window.open(f"{run.url}/pipelines/")
    window.wait_for(lambda: bool(window.script("document.activeElement.type === 'search'")), "the list")
    window.keys("renewed.yaml")
    window.wait_for(lambda: " of " in window.text() and ", 1 broken" in window.text(), "the broken file")
    assert "broken" in window.script("[...document.querySelector('select').options].map((one) => one.value)")
    window.open(f"{run.url}/pipelines/#/broken/renewed.yaml")
    window.wait_for(lambda: "PF201" in window.text(), "its finding")
    file.write_text(BROKEN.replace("25", "5"))
    window.wait_for(lambda: "it has been repaired" in window.text(), "the repaired file")
    file.write_text(BROKEN)
    window.wait_for(lambda: "PF201" in window.text(), "the file that is broken again")
    file.unlink()
    window.open(f"{run.url}/pipelines/#/day")
    window.wait_for(lambda: "Runs that began" in window.text(), "the day")
    counted = "[...document.querySelectorAll('.cell')].reduce((sum, cell) => sum + Number(cell.innerText), 0)"
    before = window.script(counted)
    window.wait_for(lambda: bool(window.script(counted) > before), "a run that began since")


def test_airflow_shows_both_views(run: LocalRun, window: Browser) -> None:
    window.size(1600, 900)
    for path, words in (
        ("/plugin/pipelines", "local_api_poller"),
        ("/dags/orders_report/plugin/pipeline", "orders_report.yaml"),
    ):
        window.open(f"{run.url}{path}")
        inside = "document.querySelector('iframe')?.contentDocument?.body?.innerText ?? ''"
        window.wait_for(lambda words=words, inside=inside: words in str(window.script(inside)), path)  # type: ignore[misc]
    picture(window, "pipeline_in_airflow")


def test_the_last_day_is_counted(run: LocalRun, window: Browser) -> None:
    window.open(f"{run.url}/pipelines/#/day")
    window.wait_for(lambda: int(window.script("document.querySelectorAll('.cell.h4').length")) >= 1, "a busy cell")
