"""An S3 on a loopback address (moto's server), the connection to it, and a store that does not answer."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote
from urllib.request import Request, urlopen

CONNECTION = "PIPELINE_STORE"
BUCKET = "pipelines"
STORE = f"s3://{CONNECTION.lower()}@{BUCKET}/team"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running_s3(port: int | None = None, log: Path = Path(os.devnull)) -> Iterator[str]:
    """The address of a server with an empty bucket; `log` gets a line for each request."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("ab") as lines:
        server = subprocess.Popen(command, stdout=lines, stderr=lines)
    try:
        until = time.monotonic() + 120
        while True:
            try:
                urlopen(Request(f"{url}/{BUCKET}", method="PUT"), timeout=5).close()  # noqa: S310 # our own
                break
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
        yield url
    finally:
        server.kill()
        server.wait()


def connection(url: str) -> dict[str, str]:
    """Environment variables of Airflow's connection to the server at `url`."""
    uri = f"aws://key:secret@/?region_name=us-east-1&endpoint_url={quote(url, safe='')}"
    return {**os.environ, f"AIRFLOW_CONN_{CONNECTION}": uri}
