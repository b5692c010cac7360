"""Versions, XComs and files by object storage: two workers on hosts of their own; Celery, PostgreSQL, Redis and S3.

What they share with the other processes is the folder of logs, and the files by which the test itself talks to tasks.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest

from factory.local.api import task_path
from tests.factory.bundle.s3 import BUCKET, CONNECTION, STORE, connection, running_s3
from tests.factory.http.http_server import Server

from .cluster import HEARTBEAT_SECONDS, Cluster, cluster
from .hosts import Forwarder, host, lacking
from .services import missing_services

NEEDED = [*missing_services(), *(name for name in ("moto", "s3fs", "airflow.providers.celery") if not find_spec(name))]
pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(bool(NEEDED), reason=f"not installed: {', '.join(NEEDED)}"),
]

PATIENCE = 400.0
TIMEOUT = 10
HEAD = """
schedule: null
is_paused_upon_creation: false
default_args: {retries: 40, retry_delay: 3s, queue: one}
"""
FILES = {
    "across.yaml": f"""{HEAD}
poll: {{url: "${{env.SHOP_API}}/rows", to: "s3://{CONNECTION.lower()}@{BUCKET}/files/rows.jsonl"}}
tasks:
  - {{id: lines, uses: steps.lines, with: {{path: "${{tasks.poll.output}}"}}, queue: two}}
  - {{id: make, uses: steps.make}}
  - {{id: take, uses: steps.take, with: {{rows: "${{tasks.make.output}}"}}, queue: two}}
""",
    "plain.yaml": f"""{HEAD}
tasks:
  - {{id: work, uses: steps.work}}
""",
    "held.yaml": f"""{HEAD}
tasks:
  - {{id: work, uses: steps.hold}}
""",
    "steps.py": """
import os, time
from pathlib import Path
from airflow.sdk import ObjectStoragePath

def make():
    return ["x" * 1000] * 200

def take(rows):
    return len(rows)

def lines(path):
    return len(ObjectStoragePath(path).read_text().splitlines())

def work():
    return "first"

def hold(ti):
    mark = Path(os.environ["MARKS"])
    (mark / f"try {ti.try_number}").touch()
    while (mark / "hold").exists():
        time.sleep(0.1)
""",
}


@dataclass
class Scene:
    cluster: Cluster
    store: Forwarder
    s3: str
    pipelines: Path
    marks: Path
    hosts: dict[str, list[str]]
    workers: dict[str, str] = field(default_factory=dict)

    def new_worker(self, queue: str) -> None:
        """A worker with empty disks in place of the one that there was."""
        if queue in self.workers:
            self.cluster.kill_worker(self.workers[queue])
        self.workers[queue] = self.cluster.start_worker(queue, self.hosts[queue])

    def success(self, dag_id: str, run_id: str, *task_ids: str) -> list[object]:
        """The results of tasks of a run, when it has succeeded."""
        api = self.cluster.api
        self.cluster.wait_for(
            lambda: [run for run in api.runs(dag_id, "success") if run["dag_run_id"] == run_id], PATIENCE, run_id
        )
        tasks = api.tasks(dag_id, run_id)
        return [api.xcom(tasks[name], "return_value") for name in task_ids]

    def said(self, dag_id: str, run_id: str, text: str) -> str:
        """Wait until a try of the task says it."""
        api = self.cluster.api

        def tries() -> str:
            task = api.tasks(dag_id, run_id)["work"]
            logs = [api.get(f"{task_path(task)}/logs/{one}") for one in range(1, task["try_number"] + 1)]
            return next((log for log in map(json.dumps, logs) if text in log), "")

        return self.cluster.wait_for(tries, PATIENCE, f"`{text}` in a log of {dag_id}")

    def version(self, dag_id: str) -> str:
        return str((self.cluster.api.dag(dag_id) or {}).get("bundle_version"))

    def object(self, version: str, data: bytes | None = None) -> bytes:
        """The archive of a version; `data` replaces it."""
        import boto3  # noqa: PLC0415 # of the extra `s3`

        keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
        client = boto3.client("s3", endpoint_url=self.s3, **keys)
        name = {"Bucket": BUCKET, "Key": f"{STORE.rpartition('/')[2]}/{version}.gz"}
        if data is not None:
            client.put_object(**name, Body=data)
        return bytes(client.get_object(**name)["Body"].read())


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    if reason := lacking():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("hosts")
    pipelines, marks, home = folder / "pipelines", folder / "marks", folder / "home"
    for made in (pipelines, marks):
        made.mkdir()
    for name, text in FILES.items():
        (pipelines / name).write_text(text)
    with ExitStack() as stack:
        s3 = stack.enter_context(running_s3())
        store = Forwarder(("127.0.0.1", 0), ("127.0.0.1", int(s3.rpartition(":")[2])))
        shop = Server()
        stack.callback(shop.close)
        shop.answers("/rows", json.dumps([{"id": number} for number in range(7)]).encode())
        bundle = {"folder": str(pipelines), "store": STORE, "store_timeout": TIMEOUT, "refresh_interval": 2}
        name = f"AIRFLOW_CONN_{CONNECTION}"
        variables = {
            name: connection(f"http://127.0.0.1:{store.port}")[name],
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
                [{"name": "pipelines", "classpath": "factory.bundle.PipelineBundle", "kwargs": bundle}]
            ),
            "AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH": f"s3://{CONNECTION.lower()}@{BUCKET}/xcom",
            "PIPELINES_FOLDER": "/nonexistent",
            "SHOP_API": shop.url("").rstrip("/"),
            "MARKS": str(marks),
        }
        run = stack.enter_context(cluster(pipelines, home, variables, worker=False))
        for made in (run.home.bundles, run.home.xcom):
            made.mkdir(exist_ok=True)
        hidden = (run.home.bundles, run.home.xcom, pipelines)
        hosts = {
            queue: stack.enter_context(host(queue, folder / queue, run.environment, hidden)) for queue in ("one", "two")
        }
        made_scene = Scene(run, store, s3, pipelines, marks, hosts)
        for queue in hosts:
            made_scene.new_worker(queue)
        run.wait_for(
            lambda: all(run.api.dag(name.partition(".")[0]) for name in FILES if "yaml" in name), PATIENCE, "DAGs"
        )
        yield made_scene
        store.is_down, store.delay = False, 0.0


def test_two_hosts_hand_on_by_the_store(scene: Scene) -> None:
    assert scene.success("across", scene.cluster.api.trigger("across"), "lines", "take") == [7, 200]
    assert [path for path in scene.cluster.home.xcom.rglob("*") if path.is_file()] == []
    refused = "import socket; socket.create_connection(('127.0.0.1', {port}), 3)"
    for port, status in ((scene.store.port, 0), (scene.s3.rpartition(":")[2], 1)):
        tried = [*scene.hosts["one"], "python3", "-c", refused.format(port=port)]
        done = subprocess.run(tried, capture_output=True, check=False)
        assert done.returncode == status, "a host reaches what its environment names, and no more"


def test_a_killed_worker_and_another_with_an_empty_disk(scene: Scene) -> None:
    (scene.marks / "hold").touch()
    run_id = scene.cluster.api.trigger("held")
    scene.cluster.wait_for((scene.marks / "try 1").exists, PATIENCE, "the task to begin")
    scene.new_worker("one")
    (scene.marks / "hold").unlink()
    scene.success("held", run_id)
    assert sorted(path.name for path in scene.marks.iterdir()) == ["try 1", "try 2"]
    print(f"\n  killed, taken for dead after {HEARTBEAT_SECONDS} s, tried again on a host without the version")


def test_without_the_store_what_a_host_has_runs_and_no_edit_is_shown(scene: Scene) -> None:
    before = scene.version("plain")
    assert scene.success("plain", scene.cluster.api.trigger("plain"), "work") == ["first"]
    scene.store.is_down = True
    steps = scene.pipelines / "steps.py"
    steps.write_text(steps.read_text().replace('"first"', '"second"'))
    said = scene.cluster.home.path / "output" / "dag-processor.log"
    scene.cluster.wait_for(lambda: "cannot be stored" in said.read_text(), PATIENCE, "the dag-processor to say it")
    run_id = scene.cluster.api.trigger("plain")
    assert scene.success("plain", run_id, "work") == ["first"]
    assert scene.version("plain") == before

    scene.store.is_down = False
    scene.cluster.wait_for(lambda: scene.version("plain") != before, PATIENCE, "the edit to show")
    assert scene.success("plain", scene.cluster.api.trigger("plain"), "work") == ["second"]


def test_a_host_without_the_version_fails_until_the_store_is_back(scene: Scene) -> None:
    scene.store.is_down = True
    scene.new_worker("one")
    run_id = scene.cluster.api.trigger("plain")
    text = f"version {scene.version('plain')} is not available: the store {STORE}"
    assert text in scene.said("plain", run_id, "is not available")
    scene.store.is_down = False
    scene.success("plain", run_id)


def test_a_damaged_object_is_named_and_never_unpacked(scene: Scene) -> None:
    version = scene.version("plain")
    whole = scene.object(version)
    scene.object(version, whole[:-40] + bytes(40))
    scene.new_worker("one")
    run_id = scene.cluster.api.trigger("plain")
    assert f"the archive {STORE}/{version}.gz is damaged" in scene.said("plain", run_id, "is damaged")
    scene.object(version, whole)
    scene.success("plain", run_id)


def test_a_slow_store_is_waited_for_and_one_that_does_not_answer_is_named(scene: Scene) -> None:
    scene.store.delay = TIMEOUT / 5
    scene.new_worker("one")
    run_id = scene.cluster.api.trigger("plain")
    scene.success("plain", run_id)
    assert scene.cluster.api.tasks("plain", run_id)["work"]["try_number"] == 1

    scene.store.delay = TIMEOUT * 6
    scene.new_worker("one")
    run_id = scene.cluster.api.trigger("plain")
    scene.said("plain", run_id, f"the store {STORE} did not answer within {TIMEOUT} seconds")
    scene.store.delay = 0.0
    scene.success("plain", run_id)
