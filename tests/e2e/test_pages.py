"""The page *Pipelines* in a real Chromium, on what `make run` starts; makes the screenshots of the docs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from factory.local.home import Home
from tests.e2e.browser import Browser, browser
from tests.e2e.harness import CHECKOUT, LocalRun, copy_pipelines, local_run

pytestmark = pytest.mark.soak
EVIL = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"
BROKEN = 'schedule: "0 25 * * *"\ntasks:\n  - {id: a, uses: empty}\n'
IMAGES = Path(os.environ.get("SCREENSHOTS") or CHECKOUT / "build" / "screenshots")
"""`SCREENSHOTS=docs/images` renews those of the docs."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRun]:
    pipelines = copy_pipelines(tmp_path_factory.mktemp("project") / "pipelines")
    (pipelines / "evil.yaml").write_text(
        json.dumps({"description": EVIL, "tags": ["<b>x</b>"], "tasks": [{"id": "a", "uses": "empty", "doc_md": EVIL}]})
    )
    (pipelines / "broken.yaml").write_text(BROKEN)
    with local_run(pipelines, tmp_path_factory.mktemp("home"), local_api_host="host.docker.internal") as started:
        started.wait_for(lambda: started.printed("orders_report", "chart", "success"), 400, "the report's chart")
        yield started


@pytest.fixture
def window(run: LocalRun) -> Iterator[Browser]:
    login = {"username": "admin", "password": Home(run.home).read_password()}
    token = requests.post(f"{run.url}/auth/token", json=login, timeout=30).json()["access_token"]
    with browser() as opened:
        opened.log_in(f"{run.url}/pipelines/page.css", token)
        opened.errors()  # the file above was asked for without a login
        yield opened


def picture(window: Browser, name: str) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    window.picture(IMAGES / f"{name}.png")


@pytest.mark.parametrize(("width", "dark"), [(400, False), (1600, False), (1600, True)])
def test_the_list_fits(run: LocalRun, window: Browser, width: int, dark: bool) -> None:
    window.size(width, 900)
    window.dark(dark)
    window.open(f"{run.url}/pipelines/")
    window.wait_for(lambda: "orders_report" in window.text(), "the list")
    assert window.script("document.documentElement.dataset.theme") == ("dark" if dark else "light")
    assert window.script("document.documentElement.scrollWidth <= innerWidth + 1")
    assert window.script("document.activeElement.type") == "search"
    picture(window, f"pipelines_{width}{'_dark' if dark else ''}")
    assert window.errors() == []


def test_what_a_pipeline_says_is_only_text(run: LocalRun, window: Browser) -> None:
    for path in ("/pipelines/", "/pipelines/#/pipeline/evil", "/pipelines/?dag=evil"):
        window.open(f"{run.url}{path}")
        window.wait_for(lambda: "onerror" in window.text(), path)
        assert window.script("document.title") == "Pipelines"
        assert window.script("document.querySelectorAll('main script, main img, main b').length") == 0


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
    picture(window, "pipeline")


def test_a_broken_pipeline_is_seen_to_be_repaired_without_a_reload(run: LocalRun, window: Browser) -> None:
    window.open(f"{run.url}/pipelines/")
    window.wait_for(lambda: "1 broken" in window.text(), "the broken file")
    assert "PF201" in window.text()
    (run.pipelines / "broken.yaml").write_text(BROKEN.replace("25", "5"))
    window.wait_for(lambda: "1 broken" not in window.text() and "broken" in window.text(), "the repaired file")


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
