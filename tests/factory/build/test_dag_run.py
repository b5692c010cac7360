"""Built DAGs in a real Airflow: serialized in two processes, and run from a database of their own.

One migration and one process for all runs: both cost many seconds.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.factory.http.http_server import Server
from tests.programs import program

PIPELINES = {
    "etl.yaml": """
        description: Rows by XCom, values from inside, context arguments, templates.
        schedule: "@daily"
        start_date: 2026-01-01
        params: {factor: 3}
        poll:
          url: ${env.TEST_API}/orders/{{ ds }}
          params: {day: "{{ ds }}"}
        tasks:
          - {id: extract, uses: jobs.extract, with: {answer: "${tasks.poll.output}"}}
          - id: first
            uses: jobs.double
            with: {number: "${tasks.extract.output.rows[0].id}", extra: {a: ["${tasks.poll.xcom.http.status}"]}}
          - {id: later, uses: jobs.later, with: {number: "${tasks.first.output}"}}
          - {id: steps, uses: jobs.steps, with: {number: 1}}
          - id: shell
            uses: bash
            with: {bash_command: script.sh, env: {DAY: "{{ ds }}", N: "${tasks.later.output}", D: "$${x}"}}
          - id: keep
            uses: jobs.keep
            with:
              file: ${env.TEST_FILE}
              values:
                rows: ${tasks.extract.output.rows}
                later: ${tasks.later.output}
                steps: ${tasks.steps.output}
                shell: ${tasks.shell.output}
                day: "{{ ds }}"
          - {id: end, uses: empty, needs: [keep]}
        """,
    "regions.yaml": """
        dag_id: region-${matrix.region}
        vars: {words: {eu: hallo, us: hello}, n: 2}
        matrix:
          region: [eu, us]
          include: [{factor: 1}, {region: us, factor: 10}]
        environments: {prod: {vars: {n: 3}}}
        tasks:
          - {id: "say_${matrix.region}", uses: bash, with: {bash_command: "echo ${vars.words.eu}-${matrix.region}"}}
          - {id: twice, uses: jobs.double, with: {number: "${matrix.factor}", extra: "${vars.n}"}}
          - {id: show, uses: bash, with: {bash_command: "echo REGION $N", env: {N: "${tasks.twice.output}"}}}
        """,
    "misfit.yaml": """
        tasks:
          - {id: extract, uses: jobs.extract, with: {answer: {orders: []}}}
          - {id: load, uses: jobs.double, with: {number: "${tasks.extract.output.rows[0].id}"}}
          - {id: free, uses: empty}
        """,
}

CHECKOUT = Path(__file__).resolve().parents[3]
SHIPPED = ("stock_levels.yml", "stock_levels.py")
"""A document of dag-factory, and its functions."""

JOBS = """
import json
from pathlib import Path

def extract(answer, ti, params):
    return {"rows": [{"id": n * params.get("factor", 1), "by": ti.task_id} for n in answer["orders"]]}

def double(number, extra=None):
    return number * 2 if extra is None else [number * 2, extra]

async def later(number):
    return [number, "later"]

def steps(number):
    yield number
    return "end"

def keep(values, file, ds, **context):
    Path(file).write_text(json.dumps({**values, "ds": ds, "run_type": context["dag_run"].run_type}))
"""

DAG_FILE = """
# airflow dag
from pathlib import Path
from factory.stub_loader import load_stub
load_stub(globals(), {path!r}, Path({folder!r}))
"""

SERIALIZE = """
import json, sys
from pathlib import Path
from airflow.serialization.serialized_objects import DagSerialization
from factory.build.dag import build
from schemas.check import Checker, CheckOptions
for path in sys.argv[2:]:
    for pipeline in Checker(Path(sys.argv[1]), CheckOptions(read_sources=False)).file(path).pipelines:
        print(json.dumps(DagSerialization.to_dict(build(pipeline)), sort_keys=True))
assert "jobs" not in sys.modules
"""

RUN = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from factory.loading.pipelines import build_checked
from schemas.check import Checker
for path in sys.argv[2:]:
    checker = Checker(Path(sys.argv[1]))
    for dag_id, dag in build_checked(checker, checker.file(path)).dags.items():
        run = dag.test(logical_date=datetime(2026, 1, 2, tzinfo=UTC))
        for instance in sorted(run.get_task_instances(), key=lambda ti: ti.task_id):
            print("RESULT", dag_id, instance.task_id, instance.state)
"""


@dataclass(frozen=True)
class Place:
    """An Airflow home, a pipelines folder, and what processes get to see of them."""

    pipelines: Path
    kept: Path
    environment: dict[str, str]

    def python(self, code: str, *arguments: str) -> str:
        done = subprocess.run(
            [*program(code), str(self.pipelines), *arguments],
            capture_output=True,
            text=True,
            env=self.environment,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout


@pytest.fixture(scope="module")
def api() -> Iterator[Server]:
    server = Server()
    server.answers("/orders/2026-01-02", b'{"orders": [1, 2]}', headers={"Content-Type": "application/json"})
    yield server
    server.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, api: Server) -> Place:
    root = tmp_path_factory.mktemp("run")
    pipelines, dags = root / "pipelines", root / "home" / "dags"
    pipelines.mkdir()
    dags.mkdir(parents=True)
    (pipelines / "jobs.py").write_text(JOBS)
    (pipelines / "script.sh").write_text('echo $DAY {{ ds_nodash }} "$N" $D\n')
    for file in SHIPPED:
        shutil.copy(CHECKOUT / "pipelines" / file, pipelines)
    (dags / f"{SHIPPED[0]}.py").write_text(DAG_FILE.format(path=SHIPPED[0], folder=str(pipelines)))
    for path, text in PIPELINES.items():
        (pipelines / path).write_text(textwrap.dedent(text))
        (dags / f"{path}.py").write_text(DAG_FILE.format(path=path, folder=str(pipelines)))
    return Place(
        pipelines,
        root / "kept.json",
        {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        | {
            "AIRFLOW_HOME": str(root / "home"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "TEST_API": api.url(""),
            "PIPELINE_ENVIRONMENT": "prod",
            "TEST_FILE": str(root / "kept.json"),
        },
    )


@dataclass(frozen=True)
class Runs:
    """State by (DAG, task), and the whole log."""

    states: dict[tuple[str, str], str]
    log: str


@pytest.fixture(scope="module")
def runs(place: Place) -> Runs:
    place.python("from airflow.utils.db import initdb; initdb()")
    log = place.python(RUN, *PIPELINES, SHIPPED[0])
    results = [line.split() for line in log.splitlines() if line.startswith("RESULT ")]
    return Runs({(dag, task): state for _, dag, task, state in results}, log)


def test_two_processes_serialize_the_same(place: Place) -> None:
    one, other = (without_warnings(place.python(SERIALIZE, *PIPELINES)) for _ in range(2))
    # The order of an operator's fields is that of a set (`BaseOperator.get_serialized_fields`), so keys are sorted.
    assert one == other
    assert "0x" not in one
    etl: dict[str, Any] = json.loads(one.splitlines()[0])["dag"]
    tasks = {task["__var"]["task_id"]: task["__var"] for task in etl["tasks"]}
    assert tasks["extract"]["op_kwargs"] == {"answer": "${tasks.poll.output}"}
    assert tasks["extract"]["python_callable_name"] == "jobs.extract"
    assert tasks["first"]["op_kwargs"]["extra"] == {"a": ["${tasks.poll.xcom.http.status}"]}


def without_warnings(output: str) -> str:
    """Airflow's own modules warn of each other, with the time of day."""
    return "\n".join(line for line in output.splitlines() if line.startswith("{"))


def test_values_travel_from_task_to_task(place: Place, runs: Runs, api: Server) -> None:
    names = ("poll", "extract", "first", "later", "steps", "shell", "keep", "end")
    assert {name: runs.states["etl", name] for name in names} == dict.fromkeys(names, "success")
    assert json.loads(place.kept.read_text()) == {
        "rows": [{"id": 3, "by": "extract"}, {"id": 6, "by": "extract"}],
        "later": [[6, {"a": [200]}], "later"],
        "steps": "end",
        "shell": '2026-01-02 20260102 [[6, {"a": [200]}], "later"] ${x}',
        "day": "2026-01-02",
        "ds": "2026-01-02",
        "run_type": "manual",
    }
    assert [request.path for request in api.received] == ["/orders/2026-01-02?day=2026-01-02"]
    assert f"GET {api.url('/orders/2026-01-02')}?… → 200, 18 bytes, application/json" in runs.log


def test_each_row_of_a_matrix_runs_as_a_dag_in_the_chosen_environment(runs: Runs) -> None:
    assert {state for (dag, _), state in runs.states.items() if dag.startswith("region-")} == {"success"}
    assert {dag for dag, _ in runs.states if dag.startswith("region-")} == {"region-eu", "region-us"}
    assert "REGION [2, 3]" in runs.log
    assert "REGION [20, 3]" in runs.log


def test_what_does_not_fit_fails_its_task_and_says_why(runs: Runs) -> None:
    states = {task: state for (dag, task), state in runs.states.items() if dag == "misfit"}
    assert states == {"extract": "success", "load": "failed", "free": "success"}
    assert "`[0]` selects nothing: `tasks.extract.output.rows` is a list of 0 items" in runs.log


def test_a_document_of_dag_factory_runs(runs: Runs) -> None:
    states = {task: state for (dag, task), state in runs.states.items() if dag == "stock_levels"}
    assert states == {"count": "success", "low": "success", "say": "success"}
    assert "low on: bread, coffee" in runs.log


def test_no_bytecode_beside_the_pipelines(place: Place, runs: Runs) -> None:
    assert runs.states
    assert not list(place.pipelines.rglob("__pycache__"))
