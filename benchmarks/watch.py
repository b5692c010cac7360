"""Watched polls in one real triggerer: how late their requests are, and what they hold.

Each watcher asks for a URL of its own every ten seconds, on the condition of its ETag; only the first answer is another
one. Nothing else of Airflow runs: the DAGs are parsed once, before. A server in this process notes when requests come.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from threading import Thread

import psutil

from benchmarks.airflow_home import LOCAL, AirflowHome
from benchmarks.measure import arguments, percentile, report

EVERY_SECONDS = 10.0
PIPELINE = """\
poll:
  url: http://127.0.0.1:{port}/{number}
  change_detection: etag
  watch: {{every: 10s}}
"""
LOADER = """\
# airflow dag
from pathlib import Path
from factory.loading.pipelines import load_pipelines
globals().update(load_pipelines(Path({folder!r})).dags)
"""
CHANGED = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'
SAME = b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\nContent-Length: 0\r\n\r\n'


class Server:
    """Notes at which moment each path was asked for."""

    def __init__(self) -> None:
        self.asked: dict[bytes, list[float]] = {}
        self._loop = asyncio.new_event_loop()
        server = self._loop.run_until_complete(asyncio.start_server(self._answer, "127.0.0.1", 0))
        self.port: int = server.sockets[0].getsockname()[1]
        Thread(target=self._loop.run_forever, daemon=True).start()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.asked.setdefault(head.split(b" ", 2)[1], []).append(time.monotonic())
                writer.write(SAME if b"if-none-match" in head.lower() else CHANGED)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@contextmanager
def triggerer(home: AirflowHome, capacity: int) -> Iterator[psutil.Process]:
    """One `airflow triggerer`, and its end."""
    with (home.root / "triggerer.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 # a command of Airflow
            [sys.executable, "-m", "airflow", "triggerer", "--capacity", str(capacity)],
            env=home.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield psutil.Process(process.pid)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def measured(root: Path, watchers: int, seconds: float) -> dict[str, object]:
    """Raises TimeoutError where not all watchers have begun within three minutes."""
    server = Server()
    folder, dags = root / "pipelines", root / "dags"
    folder.mkdir()
    dags.mkdir()
    for number in range(watchers):
        (folder / f"watch_{number:04}.yaml").write_text(PIPELINE.format(port=server.port, number=number))
    (dags / "loader.py").write_text(LOADER.format(folder=str(folder)))
    home = AirflowHome(root / "home", dags, LOCAL)
    home.migrate()
    home.airflow("dag-processor", "--num-runs", "1")
    with triggerer(home, 2 * watchers) as process:
        deadline = time.monotonic() + 180
        while len(server.asked) < watchers:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(server.asked)} of {watchers} watchers have begun")
            time.sleep(0.5)
        time.sleep(EVERY_SECONDS)
        tree = [process, *process.children(recursive=True)]
        begin, cpu = time.monotonic(), cpu_seconds(tree)
        time.sleep(seconds)
        cpu, end = cpu_seconds(tree) - cpu, time.monotonic()
        memory = sum(one.memory_full_info().pss for one in tree) / 2**20
    moments = [[at for at in times if begin <= at <= end] for times in server.asked.values()]
    late = [after - before - EVERY_SECONDS for times in moments for before, after in pairwise(times)]
    return {
        "watchers": watchers,
        "every_s": EVERY_SECONDS,
        "measured_s": round(end - begin, 1),
        "requests": sum(map(len, moments)),
        "late_s": {
            "median": round(percentile(late, 50), 3),
            "p99": round(percentile(late, 99), 3),
            "max": round(max(late), 3),
        },
        "memory_mib": round(memory),
        "cpu_share_of_a_core": round(cpu / (end - begin), 3),
    }


def cpu_seconds(tree: list[psutil.Process]) -> float:
    """User and system time of processes so far."""
    return sum(times.user + times.system for times in (one.cpu_times() for one in tree))


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--watchers", type=int, default=500)
    options = parser.parse_args()
    watchers, seconds = (5, 25.0) if options.quick else (options.watchers, 60.0)
    with tempfile.TemporaryDirectory() as root:
        report("watch", measured(Path(root), watchers, seconds), keep=not options.quick)


if __name__ == "__main__":
    main()
