"""Starts and stops the docker compose set-up together with the sample API on the host.

    python scripts/compose_demo.py up
    python scripts/compose_demo.py down

Works with `docker compose` and with `docker-compose`. Standard library only. A mistake that the user can fix
is one line and exit status 2; when docker compose itself fails, its exit status is passed on.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from make_env import GENERATORS, EnvFileError, make_env, read_env, set_in_env

ROOT: Final = Path(__file__).resolve().parents[1]
STATE: Final = ROOT / ".airflow" / "compose"
LOOPBACK: Final = "127.0.0.1"
OWN_API_URL: Final = re.compile(r"http://host\.docker\.internal:\d+/")
"""What `up` itself writes into .env as LOCAL_API_URL; anything else there is the user's."""
DRAIN_SECONDS: Final = 3600
"""A worker's running tasks may take so long until it is killed with them."""


class DemoError(Exception):
    """Something the user can fix; the message is one line that says how."""


def compose_command() -> list[str]:
    """`docker compose` where the plug-in is there, else `docker-compose`."""
    if not shutil.which("docker"):
        raise DemoError("docker is not installed: https://docs.docker.com/get-started/get-docker/")
    if _run("docker", "compose", "version").returncode == 0:
        return ["docker", "compose"]
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    raise DemoError("neither `docker compose` nor `docker-compose` is installed: add docker's compose plug-in")


def check_engine() -> None:
    answer = _run("docker", "version", "--format", "{{.Server.Version}}")
    if answer.returncode != 0:
        # Docker's words are kept: they tell a stopped engine from a missing right to talk to it.
        words = " ".join(answer.stderr.split()) or "no answer"
        raise DemoError(f"docker's engine does not answer, start it and try again ({words})")


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - no shell, fixed words
    except subprocess.TimeoutExpired as error:
        raise DemoError(f"`{' '.join(command)}` gave no answer in 60 s") from error


def reachable_address() -> str:
    """Where containers find the host as host.docker.internal.

    On Linux that is the gateway of docker's bridge, an address of this machine that only its containers and
    itself can use. Docker Desktop, rootless docker and other systems forward to loopback: there the gateway
    is not an address of this machine, so it cannot be bound.
    """
    if sys.platform != "linux":
        return LOOPBACK
    form = "{{range .IPAM.Config}}{{.Gateway}} {{end}}"
    answer = _run("docker", "network", "inspect", "bridge", "--format", form)
    for gateway in answer.stdout.split():
        if ":" not in gateway and _can_bind(gateway):
            return gateway
    return LOOPBACK


def _can_bind(address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def setting(name: str, default: str) -> str:
    """A value from the caller's environment or else from .env, in the order docker compose has."""
    return os.environ.get(name) or read_env(ROOT / ".env").get(name) or default


def run_compose(compose: list[str], *arguments: str, extra: Mapping[str, str] | None = None) -> int:
    """Runs docker compose in the terminal and returns its exit status. It reads .env by itself."""
    environment = {**os.environ, **(extra or {})}
    command = [*compose, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode  # noqa: S603 - no shell, fixed words


def api_health(place: Mapping[str, Any]) -> int | None:
    """The process id of the sample API that answers there, None when it does not."""
    url = f"http://{place['host']}:{place['port']}/health"
    # The address is one of this machine's: a proxy of the environment has no way to it.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=3) as answer:
            health = json.load(answer)
    except (OSError, ValueError):
        return None
    if not isinstance(health, dict) or health.get("service") != "local_api":
        return None
    return int(health["pid"])


def read_place() -> dict[str, Any] | None:
    try:
        place = json.loads((STATE / "local_api.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return place if isinstance(place, dict) and place.keys() >= {"host", "port", "pid"} else None


def start_api(host: str, port: str) -> None:
    running = read_place()
    if running and api_health(running) == running["pid"]:
        if (running["host"], running["port"]) == (host, port):
            print(f"sample API: runs already on http://{host}:{port}/")
            return
        stop_api()
    STATE.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(ROOT / "examples" / "local_api.py"), "--host", host, "--port", port]
    log = STATE / "local_api.log"
    with log.open("w", encoding="utf-8") as output:
        # A session of its own: Ctrl-C in the terminal is not for it.
        process = subprocess.Popen(  # noqa: S603 - no shell, our own script
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    place = {"host": host, "port": port, "pid": process.pid}
    deadline = time.monotonic() + 15
    while "listening on" not in (said := log.read_text(encoding="utf-8")):
        if process.poll() is not None:
            raise DemoError(said.strip() or "the sample API ended at once")
        if time.monotonic() > deadline:
            process.kill()
            raise DemoError(f"the sample API does not answer on {host}:{port}, see {log}")
        time.sleep(0.05)
    (STATE / "local_api.json").write_text(json.dumps(place), encoding="utf-8")
    print(f"sample API: http://{host}:{port}/, log in {log.relative_to(ROOT)}")


def stop_api() -> None:
    """Ends the API that `up` started, if it is still the one: an old process id may be another's now."""
    place = read_place()
    if place and api_health(place) == place["pid"]:
        os.kill(place["pid"], signal.SIGTERM)
        deadline = time.monotonic() + 5
        while api_health(place) == place["pid"]:
            if time.monotonic() > deadline:
                os.kill(place["pid"], signal.SIGKILL)
            time.sleep(0.05)
        print("sample API: stopped")
    (STATE / "local_api.json").unlink(missing_ok=True)


def up() -> int:
    compose = compose_command()
    check_engine()
    added = make_env(ROOT / ".env")
    if added:
        print(f".env: generated {', '.join(added)}")
    api_port = setting("LOCAL_API_PORT", "8000")
    if uses_sample_api():
        set_in_env(ROOT / ".env", "LOCAL_API_URL", f"http://host.docker.internal:{api_port}/")
        start_api(reachable_address(), api_port)
    print("docker compose: building and starting; the first time takes some minutes", flush=True)
    status = run_compose(compose, "build", "airflow-init") or replace_services(compose)
    if status != 0:
        print("compose_demo: docker compose failed, see above; run `make up` again, or `make down`", file=sys.stderr)
        return status
    password = setting("AIRFLOW_ADMIN_PASSWORD", "")
    shown = password if sys.stdout.isatty() else "the value of AIRFLOW_ADMIN_PASSWORD in .env"
    print(f"\nAirflow: http://127.0.0.1:{setting('AIRFLOW_PORT', '8080')}/")
    print(f"log in:  user admin, password {shown}")
    return 0


def uses_sample_api() -> bool:
    """Whether the pipelines poll the sample API. Its address is in .env, where `docker compose` finds it also without
    this script; with another address there, it is not started."""
    written = setting("LOCAL_API_URL", "")
    return not written or OWN_API_URL.fullmatch(written) is not None


def replace_services(compose: list[str]) -> int:
    """Start what is new or changed.

    Workers end their tasks first, while the api-server that these report to still runs: docker compose would replace
    it before them, and a task that cannot report is failed.
    """
    workers = containers(compose, "airflow-worker")
    if workers:
        print("docker compose: the workers end their running tasks", flush=True)
        status = run_compose(compose, "stop", "--timeout", str(DRAIN_SECONDS), "airflow-worker")
        if status != 0:
            return status
    # It comes back when every service that another one waits for is healthy, the api-server among them.
    scale = ("--scale", f"airflow-worker={workers}") if workers > 1 else ()
    return run_compose(compose, "up", "--detach", *scale)


def containers(compose: list[str], service: str) -> int:
    """How many containers of a service there are: what a `make up` before this one stopped and did not start counts."""
    done = subprocess.run(  # noqa: S603 - no shell, fixed words
        [*compose, "ps", "--all", "--quiet", service], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return len(done.stdout.split()) if done.returncode == 0 else 0


def down() -> int:
    stop_api()
    compose = compose_command()
    check_engine()
    # To stop needs no secret, but docker compose reads the whole file: a lost .env must not keep it running.
    unused = {key: setting(key, "unused") for key in GENERATORS if key != "AIRFLOW_UID"}
    # Also what was started with one of the profiles.
    return run_compose(compose, "--profile", "flower", "--profile", "debug", "down", extra=unused)


def main(arguments: list[str]) -> int:
    commands = {"up": up, "down": down}
    if len(arguments) != 1 or arguments[0] not in commands:
        print("compose_demo: usage: compose_demo.py up|down", file=sys.stderr)
        return 2
    try:
        return commands[arguments[0]]()
    except (DemoError, EnvFileError) as error:
        print(f"compose_demo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ncompose_demo: stopped; `make down` ends what was started", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
