"""The page *Pipelines* in a real Chromium: what a pipeline, a chart and another site cannot do."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.e2e.browser import Browser
from tests.e2e.harness import LocalRun
from tests.factory.pages.asked import upwards

pytestmark = pytest.mark.soak


def test_what_a_pipeline_says_is_only_text(run: LocalRun, window: Browser) -> None:
    for path in ("/pipelines/", "/pipelines/#/pipeline/evil", "/pipelines/?dag=evil"):
        window.open(f"{run.url}{path}")
        window.wait_for(lambda: "onerror" in window.text(), path)
        assert "broken" not in window.script("document.title")
        assert window.script("document.querySelectorAll('main script, main img, main b').length") == 0
    assert "warning[" in window.text()


ACTS = "try { return parent.document.title + document.cookie } catch (error) { return error.name }"


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
        assert window.script("document.title") == "evil - Pipelines"
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
