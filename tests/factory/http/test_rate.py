"""A budget of requests that processes of one machine share."""

from __future__ import annotations

import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from factory.http.retries import SharedRate

WORKER = """
import sys, time
from pathlib import Path
from factory.http.retries import SharedRate
rate = SharedRate(20, 1.0, Path(sys.argv[1]), "orders")
for _ in range(6):
    rate.wait("http://a.example/x")
    print(time.time())
"""


def test_processes_share_the_slots_of_a_host(tmp_path: Path) -> None:
    started = time.time()
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path / "rate")], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    times = sorted(float(line) for worker in workers for line in worker.communicate(timeout=120)[0].split())
    assert len(times) == 12
    # Never more than 20 in a second, however late a process wakes up: the slots are 50 ms apart.
    assert all(at >= started + number * 0.05 - 0.005 for number, at in enumerate(times))


HASTY_WORKER = """
import sys, time
from pathlib import Path
from factory.http.retries import SharedRate
time.sleep = lambda seconds: None
for _ in range(3000):
    SharedRate(1, 3600, Path(sys.argv[1]), "orders").wait("http://a.example/x")
"""


def test_no_slot_is_taken_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workers = [subprocess.Popen([sys.executable, "-c", HASTY_WORKER, str(tmp_path / "rate")]) for _ in range(2)]
    assert [worker.wait(120) for worker in workers] == [0, 0]
    pauses: list[float] = []
    monkeypatch.setattr("factory.http.retries.time.sleep", pauses.append)
    SharedRate(1, 3600, tmp_path / "rate", "orders").wait("http://a.example/x")
    assert [round(pause / 3600) for pause in pauses] == [6000]


def no_pause(seconds: float) -> None:
    pytest.fail(f"waits {seconds} s")


def test_hosts_and_budgets_are_counted_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("factory.http.retries.time.sleep", no_pause)
    for budget, host in (("a", "x"), ("a", "y"), ("b", "x")):
        SharedRate(1, 60, tmp_path / "rate", budget).wait(f"http://{host}/")


def test_slots_may_be_hours_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("factory.http.retries.time.sleep", pauses.append)
    rate = SharedRate(1, 2 * 3600, tmp_path / "rate", "a")
    for _ in range(3):
        rate.wait("http://x/")
    assert [round(pause / 3600) for pause in pauses] == [2, 4]


def test_a_slot_of_a_clock_that_was_wrong_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("factory.http.retries.time.sleep", no_pause)
    rate = SharedRate(1, 60, tmp_path / "rate", "a")
    rate.wait("http://x/")
    (file,) = (tmp_path / "rate").iterdir()
    file.write_bytes(struct.pack("<dd", time.time() + 1e6, time.time() + 1e6))
    rate.wait("http://x/")


HOLDER = """
import os, signal, sys
from pathlib import Path
from factory.http import retries as http_rate
http_rate.os.pread = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
http_rate.SharedRate(1, 60, Path(sys.argv[1]), "a").wait("http://x/")
"""


def test_a_process_that_is_killed_with_the_lock_blocks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("factory.http.retries.time.sleep", no_pause)
    killed = subprocess.run([sys.executable, "-c", HOLDER, str(tmp_path / "rate")], check=False)
    assert killed.returncode == -signal.SIGKILL
    SharedRate(1, 60, tmp_path / "rate", "a").wait("http://x/")


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "rate").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError, match="belongs to somebody else"):
        SharedRate(1, 1, tmp_path / "rate", "a").wait("http://x/")
