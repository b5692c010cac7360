"""The page *Pipelines* in a real Chromium, on what `make run` starts; makes the screenshots of the docs."""

from __future__ import annotations

import http.client
import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from factory.local.home import Home
from tests.e2e.browser import Browser, browser
from tests.e2e.harness import CHECKOUT, LocalRun, copy_pipelines, local_run
from tests.factory.pages.pages_process import upwards

pytestmark = pytest.mark.soak
EVIL = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>"
ACTS = "try { return parent.document.title + document.cookie } catch (error) { return error.name }"
TAB, ENTER = "\ue004", "\ue007"
MANY = 5000
BROKEN = 'schedule: "0 25 * * *"\ntasks:\n  - {id: a, uses: empty}\n'
IMAGES = Path(os.environ.get("SCREENSHOTS") or CHECKOUT / "build" / "screenshots")
"""`SCREENSHOTS=docs/images` renews those of the docs."""


def evil(made: Path) -> dict[str, object]:
    """A pipeline that says markup wherever it can; lint warns of its schedule."""
    rows = [{EVIL: number, "kind": EVIL, "y": number % 7} for number in range(40)]
    spec = {"mark": "bar", "encoding": {"x": {"field": "kind", "type": "nominal"}, "y": {"field": "y"}}}
    chart = {"rows": rows, "spec": spec, "title": EVIL, "to": str(made / "evil.html")}
    train = {
        "rows": rows,
        "target": "y",
        "estimator": "sklearn.linear_model.LinearRegression",
        "to": str(made / "model"),
    }
    return {
        "description": EVIL,
        "tags": ["<b>x</b>"],
        "schedule": "*/59 * * * *",
        "start_date": "2026-01-01",
        "tasks": [
            {"id": "a", "uses": "empty", "doc_md": EVIL},
            {"id": "chart", "uses": "chart", "with": chart},
            {"id": "pdf", "uses": "chart", "with": {**chart, "to": str(made / "evil.pdf")}},
            {"id": "train", "uses": "train", "with": train},
        ],
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRun]:
    pipelines = copy_pipelines(tmp_path_factory.mktemp("project") / "pipelines")
    made = tmp_path_factory.mktemp("made")
    (pipelines / "evil.yaml").write_text(json.dumps(evil(made)))
    (pipelines / "broken.yaml").write_text(BROKEN)
    (pipelines / "_defaults.yaml").write_text("default_args:\n  retries: 2\n")
    with local_run(pipelines, tmp_path_factory.mktemp("home"), local_api_host="host.docker.internal") as started:
        started.wait_for(lambda: started.printed("orders_report", "chart", "success"), 400, "the report's chart")
        started.wait_for((made / "model" / "model.json").exists, 200, "the model")
        started.wait_for((made / "evil.pdf").exists, 200, "the PDF")
        yield started


@pytest.fixture(scope="module")
def token(run: LocalRun) -> str:
    login = {"username": "admin", "password": Home(run.home).read_password()}
    return str(requests.post(f"{run.url}/auth/token", json=login, timeout=30).json()["access_token"])


@pytest.fixture
def window(run: LocalRun, token: str) -> Iterator[Browser]:
    with browser() as opened:
        opened.log_in(f"{run.url}/pipelines/page.css", token)
        opened.errors()  # the file above was asked for without a login
        yield opened


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


def test_what_a_pipeline_says_is_only_text(run: LocalRun, window: Browser) -> None:
    for path in ("/pipelines/", "/pipelines/#/pipeline/evil", "/pipelines/?dag=evil"):
        window.open(f"{run.url}{path}")
        window.wait_for(lambda: "onerror" in window.text(), path)
        assert window.script("document.title") == "Pipelines"
        assert window.script("document.querySelectorAll('main script, main img, main b').length") == 0
    assert "warning[" in window.text()


def test_charts_and_models_cannot_act_in_the_user_s_name(run: LocalRun, window: Browser) -> None:
    window.open(f"{run.url}/pipelines/#/pipeline/evil")
    window.wait_for(lambda: window.script("document.querySelectorAll('iframe').length") == 2, "both frames")
    sandboxes = window.script("[...document.querySelectorAll('iframe')].map((one) => one.getAttribute('sandbox'))")
    assert sandboxes == ["allow-scripts", ""]
    addresses = window.script("[...document.querySelectorAll('iframe')].map((one) => one.src)")
    for number, address in enumerate(addresses):
        window.script(f"document.querySelectorAll('iframe')[{number}].scrollIntoView()")
        window.wait_for(lambda number=number: is_inside(window, number), "the frame's text")  # type: ignore[misc]
        assert window.script("window.origin") == "null"
        assert window.ask("POST", "/execute/sync", script=ACTS, args=[]) == "SecurityError"
        window.inside(None)
        assert window.script("document.title") == "Pipelines"
        window.open(address)  # as the button in Airflow's UI opens it, without a frame around
        assert window.script("window.origin") == "null"
        assert window.ask("POST", "/execute/sync", script=ACTS, args=[]) == "SecurityError"
        window.open(f"{run.url}/pipelines/#/pipeline/evil")
        window.wait_for(lambda: window.script("document.querySelectorAll('iframe').length") == 2, "both frames")


@contextmanager
def serving(text: bytes) -> Iterator[str]:
    """A site of somebody else's, with one page."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def is_inside(window: Browser, frame: int) -> bool:
    """Go into a frame, and see whether it is loaded."""
    window.inside(None)
    window.inside(frame)
    return "onerror" in window.script("location.pathname.includes('chart') ? document.documentElement.outerHTML : ''")


def test_another_site_reads_nothing(run: LocalRun, window: Browser) -> None:
    """Another port is another origin, and the browser sends it the same cookies."""
    with serving(b"<!doctype html><p>another site") as other:
        window.open(other)
        asks = "fetch('{}', {{credentials: 'include', mode: '{}'}}).then((a) => a.type, (e) => e.name)"
        for path in ("/pipelines/data/pipelines", "/pipelines/data/pipelines/evil", "/pipelines/page.js"):
            assert window.script(asks.format(f"{run.url}{path}", "cors")) == "TypeError"
            assert window.script(asks.format(f"{run.url}{path}", "no-cors")) == "opaque"
        assert sum("403" in error for error in window.errors()) == 3  # the browser does not say it of the others
    with serving(f"<!doctype html><iframe src='{run.url}/pipelines/'></iframe>".encode()) as other:
        window.open(other)
        window.wait_for(lambda: any("403" in error for error in window.errors()), "the refusal")
        window.inside(0)
        assert "orders_report" not in window.text()


def test_no_path_leads_out(run: LocalRun, token: str) -> None:
    """Paths as they are written: a client that tidies them up first would send others."""
    connection = http.client.HTTPConnection("127.0.0.1", run.port, timeout=30)
    for cookie, expected in (({}, {401, 404}), ({"Cookie": f"_token={token}"}, {404})):
        for path in [*upwards(), *(path.replace("%2e%2e%2f", "../") for path in upwards())]:
            connection.request("GET", path, headers=cookie)
            answer = connection.getresponse()
            answer.read()
            assert answer.status in expected, path


def test_five_thousand_pipelines_are_listed(run: LocalRun, window: Browser) -> None:
    add_many(run.home)
    window.size(1600, 900)
    window.open(f"{run.url}/pipelines/")
    told = "(document.querySelector('[role=status]')?.innerText ?? '0').split(' ')[0]"
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
    window.wait_for(lambda: "renewed.yaml" in window.text(), "the broken file")
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
