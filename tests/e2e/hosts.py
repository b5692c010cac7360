"""Hosts that share no disk and no network with this machine: a network namespace each, and empty disks."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

IN_ENVIRONMENT = re.compile(r"127\.0\.0\.1(?::|%3A)(\d+)")
FORWARD = """
import sys
from tests.e2e.hosts import Forwarder
for port in sys.argv[2:]:
    last = Forwarder(("127.0.0.1", int(port)), f"{sys.argv[1]}/{port}")
print("ready", flush=True)
sys.stdin.read()
"""
Address = tuple[str, int] | str
"""A port on loopback, or the path of a UNIX socket, which network namespaces share."""


def lacking() -> str:
    """Why there can be no namespaces here; empty where there can."""
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("ip"):
        return "network namespaces take Linux, root and iproute2"
    tried = subprocess.run(["ip", "netns", "add", f"try-{os.getpid()}"], capture_output=True, text=True, check=False)
    subprocess.run(["ip", "netns", "delete", f"try-{os.getpid()}"], capture_output=True, check=False)
    return tried.stderr.strip()


class Forwarder:
    """Takes connections at one address and passes them on to another one, late or not at all where it is told so."""

    def __init__(self, at: Address, to: Address) -> None:
        self.to = to
        self.is_down = False
        self.delay = 0.0
        self._listener = _socket(at)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(at)
        self._listener.listen(128)
        self.port = self._listener.getsockname()[1] if isinstance(at, tuple) else 0
        threading.Thread(target=self._take, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _take(self) -> None:
        while True:
            try:
                taken, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(taken,), daemon=True).start()

    def _pass_on(self, taken: socket.socket) -> None:
        time.sleep(self.delay)
        with taken, _socket(self.to) as other:
            if self.is_down:
                return
            try:
                other.connect(self.to)
            except OSError:
                return
            back = threading.Thread(target=_copy, args=(other, taken), daemon=True)
            back.start()
            _copy(taken, other)
            back.join()


def _socket(address: Address) -> socket.socket:
    return socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET, socket.SOCK_STREAM)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):  # also where the source was reset
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def host(name: str, folder: Path, environment: Mapping[str, str], empty: Sequence[Path]) -> Iterator[list[str]]:
    """The words before a command that runs it on a host of its own.

    Its loopback has the ports that `environment` names, and no other. What runs there finds the folders `empty` as
    empty disks, which are gone with its last process.
    """
    ports = sorted({port for value in environment.values() for port in IN_ENVIRONMENT.findall(value)})
    folder.mkdir()
    here = [Forwarder(f"{folder}/{port}", ("127.0.0.1", int(port))) for port in ports]
    namespace = f"{name}-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", namespace], check=True)
    enter = ["ip", "netns", "exec", namespace]
    try:
        subprocess.run([*enter, "ip", "link", "set", "lo", "up"], check=True)
        command = [*enter, sys.executable, "-c", FORWARD, str(folder), *ports]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as there:
            assert there.stdout is not None
            assert there.stdin is not None
            assert there.stdout.readline() == "ready\n"
            mounts = " && ".join(f"mount -t tmpfs none '{path}'" for path in empty)
            yield [*enter, "sh", "-c", f'{mounts} && exec "$@"', "--"]
            there.stdin.close()
    finally:
        for forwarder in here:
            forwarder.close()
        subprocess.run(["ip", "netns", "delete", namespace], check=False)
