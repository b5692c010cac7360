"""docker compose on real containers: what `make up` promises to a task that runs meanwhile, and what a stop costs.

    make soak-containers

The tests run in the order in which they stand, with compose v2 and with 1.29. Their seconds are printed.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from .containers import Engine, Stack, docker, engine, has_compose, lacking
from .harness import CHECKOUT

pytestmark = [pytest.mark.soak, pytest.mark.containers]

ROUNDS = int(os.environ.get("CONTAINER_ROUNDS", "10"))
RUN_SECONDS = 600.0
WRITES = "echo '{{ dag.dag_id }} {{ run_id }} NAME {{ ti.try_number }}' >> $WAREHOUSE/ledger"
COMMAND = f"{WRITES.replace('NAME', 'begins')} && sleep SECONDS && {WRITES.replace('NAME', 'ends')}"
ONE_TASK = """
{schedule}
max_active_runs: 16
is_paused_upon_creation: false
default_args: {{retries: 2, retry_delay: 5s}}
tasks:
  - id: write
    uses: bash
    with: {{bash_command: "{command}"}}
"""


def pipelines() -> dict[str, str]:
    """One that runs at each minute, and a longer one that a test starts."""
    start = datetime.now(UTC).replace(second=0, microsecond=0)
    scheduled = f'schedule: "* * * * *"\nstart_date: {start:%Y-%m-%dT%H:%M:%S}\ncatchup: true'
    return {
        "ticks.yaml": ONE_TASK.format(schedule=scheduled, command=COMMAND.replace("SECONDS", "5")),
        "long.yaml": ONE_TASK.format(schedule="schedule: null", command=COMMAND.replace("SECONDS", "45")),
    }


@pytest.fixture(scope="module")
def started() -> Iterator[Engine]:
    if reason := lacking():
        pytest.skip(reason)
    with engine() as run:
        yield run


@pytest.fixture(scope="module", params=["docker compose", "docker-compose"])
def stack(request: pytest.FixtureRequest, started: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if not has_compose(request.param):
        pytest.skip(f"`{request.param}` is not installed")
    assert started is not None
    made = Stack(tmp_path_factory.mktemp("checkout"), request.param, pipelines())
    try:
        said(f"{request.param}: first make up", made.make("up"))
        yield made
    finally:
        made.remove()


def said(what: str, seconds: float) -> None:
    print(f"\n  {what}: {seconds:.0f} s", flush=True)


def started_run(stack: Stack) -> str:
    """A run of `long` whose task runs."""
    run_id = stack.wait_for(lambda: stack.api.trigger("long"), 300, "`long` to be read")
    stack.wait_for(lambda: f"long {run_id} begins 1" in stack.ledger(), RUN_SECONDS, f"the task of {run_id} to begin")
    return run_id


def ended(stack: Stack, run_id: str) -> str:
    """The state that a run of `long` ended with."""
    states = ("success", "failed")
    found = stack.wait_for(
        lambda: [run for run in stack.api.runs("long") if run["dag_run_id"] == run_id and run["state"] in states],
        RUN_SECONDS,
        f"the end of {run_id}",
    )
    return str(found[0]["state"])


def lines_of(stack: Stack, run_id: str) -> list[str]:
    return [line.rpartition(f"{run_id} ")[2] for line in stack.ledger() if f" {run_id} " in line]


def test_the_image_is_built_once_and_is_the_lock_file(stack: Stack) -> None:
    assert docker("images", "--quiet", "--filter", "dangling=true").split() == []
    image = stack.one("airflow-worker")["Image"]
    listed = docker("run", "--rm", image, "pip", "list", "--format=freeze").lower().replace("_", "-").splitlines()
    locked = re.findall(r"^\S+==[^\s;]+", (CHECKOUT / "requirements.lock").read_text(), re.MULTILINE)
    own = ("airflow-pipeline-factory", "pip", "setuptools", "wheel")
    assert {one for one in listed if one.partition("==")[0] not in own} <= set(locked)
    looked = "pip check && find /opt /home /build /tmp -name airflow.cfg"
    assert docker("run", "--rm", image, "sh", "-c", looked) == "No broken requirements found.\n"


def test_a_container_has_no_right_that_it_does_not_need(stack: Stack) -> None:
    for service in set(stack.containers().values()):
        shown = stack.one(service)
        assert shown["HostConfig"]["CapDrop"] == ["ALL"], service
        status = stack.inside(service, "cat", "/proc/1/status").stdout
        assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE), service
        assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE), service
    assert stack.inside("airflow-worker", "touch", "/opt/airflow/bundles/x").returncode != 0
    assert stack.inside("airflow-worker", "id", "--user").stdout.strip() != "0"


def test_a_task_runs_through_each_make_up_with_a_change(stack: Stack) -> None:
    runs = []
    for number in range(ROUNDS):
        runs.append(started_run(stack))
        stack.change("ROUND", f"{number}")
        said(f"make up {number + 1} of {ROUNDS}, while a task of 45 s runs", stack.make("up"))
        assert f"ROUND={number}" in stack.one("airflow-worker")["Config"]["Env"]
    assert {run: (ended(stack, run), lines_of(stack, run)) for run in runs} == {
        run: ("success", ["begins 1", "ends 1"]) for run in runs
    }


def test_another_worker_replaces_nothing_and_stays(stack: Stack) -> None:
    before = stack.containers()
    stack.compose("up", "--detach", "--scale", "airflow-worker=2")
    assert before.items() <= stack.containers().items()
    assert len(stack.containers("airflow-worker")) == 2
    stack.change("ROUND", "scaled")
    stack.make("up")
    assert len(stack.containers("airflow-worker")) == 2
    stack.compose("up", "--detach", "--scale", "airflow-worker=1")


def test_a_killed_worker_comes_back_and_its_task_is_tried_again(stack: Stack) -> None:
    run_id = started_run(stack)
    began, started_at = time.monotonic(), stack.one("airflow-worker")["State"]["StartedAt"]
    stack.kill_worker()
    back = lambda: stack.one("airflow-worker")["State"]["StartedAt"] != started_at  # noqa: E731
    stack.wait_for(back, 120, "the worker to come back")
    said("a killed worker is back", time.monotonic() - began)
    assert ended(stack, run_id) == "success"
    said("its task has succeeded", time.monotonic() - began)
    assert lines_of(stack, run_id) == ["begins 1", "begins 2", "ends 2"]


def test_what_was_queued_at_make_down_runs_after_make_up(stack: Stack) -> None:
    stack.wait_for(lambda: stack.api.dag("long"), 300, "the api-server")
    stack.compose("stop", "airflow-worker")
    run_id = stack.api.trigger("long")
    stack.wait_for(lambda: stack.api.tasks("long", run_id)["write"]["state"] == "queued", 300, "the task to be queued")
    stack.make("down")
    said("make up after make down", stack.make("up"))
    began = time.monotonic()
    stack.wait_for(lambda: lines_of(stack, run_id), 1200, "what was queued to begin")
    said("what was queued begins", time.monotonic() - began)
    assert ended(stack, run_id) == "success"
    assert lines_of(stack, run_id) == ["begins 1", "ends 1"]


def test_all_comes_back_with_the_engine(stack: Stack, started: Engine) -> None:
    run_id = started_run(stack)
    before = stack.containers()
    began = time.monotonic()
    started.stop()
    started.start()
    stack.wait_for(lambda: stack.containers() == before, 300, "all containers to run again")
    stack.wait_for(lambda: stack.api.dag("long"), RUN_SECONDS, "the api-server")
    said("the engine restarted, the API answers again", time.monotonic() - began)
    assert ended(stack, run_id) == "success"
    said("the task that it stopped has succeeded", time.monotonic() - began)
    # The database stops with all others: a try that ends meanwhile cannot say so, and there is a second one.
    tried_again = ["begins 2", "ends 2"]
    assert lines_of(stack, run_id) in (["begins 1", *tried_again], ["begins 1", "ends 1", *tried_again])


def test_no_minute_is_lost_and_none_runs_twice(stack: Stack) -> None:
    """The runs of all the time, beside what the tests above did."""
    busy = ["queued", "running"]
    stack.wait_for(lambda: stack.api.dag("ticks"), 300, "the api-server")
    stack.wait_for(lambda: all(not stack.api.runs("ticks", state) for state in busy), RUN_SECONDS, "all to end")
    runs = {run["dag_run_id"]: run for run in reversed(stack.api.runs("ticks"))}
    assert {run["state"] for run in runs.values()} == {"success"}
    minutes = [datetime.fromisoformat(run["logical_date"]) for run in runs.values()]
    assert minutes == [minutes[0] + timedelta(minutes=number) for number in range(len(minutes))]
    endings = [line.split()[1] for line in stack.ledger() if line.startswith("ticks ") and " ends " in line]
    assert sorted(name for name in endings if name in runs) == sorted(runs)
    assert len(minutes) > ROUNDS
