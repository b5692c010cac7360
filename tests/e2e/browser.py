"""Debian's Chromium, driven over WebDriver (W3C, level 1) by plain HTTP."""

from __future__ import annotations

import base64
import contextlib
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests

from tests.e2e.harness import free_port

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
ARGUMENTS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
)
_PATIENCE = 60.0


class Browser:
    """One window."""

    def __init__(self, session: str) -> None:
        self._session = session

    def ask(self, method: str, path: str, **body: Any) -> Any:
        answer = requests.request(method, f"{self._session}{path}", json=body or None, timeout=_PATIENCE)
        value = answer.json()["value"]
        assert answer.ok, value
        return value

    def open(self, url: str) -> None:
        self.ask("POST", "/url", url=url)

    def log_in(self, url: str, token: str) -> None:
        """Any page of the site has to be open before it can get a cookie."""
        self.open(url)
        self.ask("POST", "/cookie", cookie={"name": "_token", "value": token, "path": "/"})

    def size(self, width: int, height: int) -> None:
        self.ask("POST", "/window/rect", width=width, height=height)

    def dark(self, is_dark: bool) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self.ask("POST", "/goog/cdp/execute", cmd="Emulation.setEmulatedMedia", params={"features": [scheme]})

    def inside(self, frame: int | None) -> None:
        """Go into a frame of the page, by its number; None: back to the page."""
        answer = requests.post(f"{self._session}/frame", json={"id": frame}, timeout=_PATIENCE)
        assert answer.ok, answer.text

    def script(self, text: str) -> Any:
        return self.ask("POST", "/execute/sync", script=f"return {text}", args=[])

    def keys(self, keys: str) -> None:
        """Type into what has the focus."""
        (element,) = self.ask("GET", "/element/active").values()
        self.ask("POST", f"/element/{element}/value", text=keys)

    def unnamed(self) -> list[str]:
        """What a screen reader has no name for, of what one can act on or look at."""
        found = self.ask("POST", "/goog/cdp/execute", cmd="Accessibility.getFullAXTree", params={})["nodes"]
        roles = {"link", "button", "searchbox", "combobox", "img", "Iframe", "table", "DisclosureTriangle"}
        told = [(node["role"]["value"], node.get("name", {}).get("value")) for node in found if not node["ignored"]]
        assert told
        return [role for role, name in told if role in roles and not name]

    def text(self) -> str:
        return str(self.script("document.body.innerText"))

    def wait_for(self, found: Callable[[], bool], what: str) -> None:
        ends = time.monotonic() + _PATIENCE
        while not found():
            assert time.monotonic() < ends, f"waited for {what}; the page says: {self.text()[:2000]}"
            time.sleep(0.3)

    def picture(self, to: Path) -> None:
        to.write_bytes(base64.b64decode(self.ask("GET", "/screenshot")))

    def errors(self) -> list[str]:
        """What the browser's console holds against the page."""
        lines = self.ask("POST", "/se/log", type="browser")
        return [line["message"] for line in lines if line["level"] == "SEVERE"]


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A browser with nothing remembered, ended at the end."""
    assert CHROMIUM, "needs Chromium: apt-get install chromium chromium-driver"
    assert DRIVER, "needs its driver: apt-get install chromium-driver"
    port = free_port()
    driver = subprocess.Popen([DRIVER, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        _until_ready(address)
        wanted = {
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"binary": CHROMIUM, "args": ARGUMENTS},
        }
        made = requests.post(f"{address}/session", json={"capabilities": {"alwaysMatch": wanted}}, timeout=_PATIENCE)
        assert made.ok, made.text
        session = f"{address}/session/{made.json()['value']['sessionId']}"
        try:
            yield Browser(session)
        finally:
            requests.delete(session, timeout=_PATIENCE)
    finally:
        driver.terminate()
        driver.wait(10)


def _until_ready(address: str) -> None:
    ends = time.monotonic() + _PATIENCE
    while True:
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(f"{address}/status", timeout=5).json()["value"]["ready"]:
                return
        assert time.monotonic() < ends, "the driver does not answer"
        time.sleep(0.1)
