"""What the pages read, as Airflow and tasks leave it in the database and in files."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.dag_processing.collection import update_dag_parsing_results_in_db
from airflow.models.asset import AssetModel, TaskInletAssetReference
from airflow.models.asset_state_store import AssetStateStoreModel
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.models.errors import ParseImportError
from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.serialization.serialized_objects import LazyDeserializedDAG
from airflow.utils.session import create_session
from airflow.utils.types import DagRunType
from sqlalchemy import insert, select

from factory.bundle.output import write_dags
from tests.factory.pages.asked import MANY, NO_FILES, POSING, SCRIPT

HOME = Path(os.environ.get("AIRFLOW_HOME", "."))
MINE = """\
description: What somebody wrote.
schedule: 0 */24 * * *
tasks:
  - {id: one, uses: bash, with: {bash_command: echo 1}, retries: 0}
  - {id: two, uses: bash, with: {bash_command: "echo ${env.SHOP_NAME}"}, needs: [one]}
"""
DEFAULTS = "default_args:\n  retries: 3\ntimezone: Europe/Berlin\nenvironments: {}\n"
NOW = datetime.now(UTC)
BROKEN = """\
error[bad-cron] PF201: the hour `25` is not valid
 --> pipelines/broken.yaml:2:14
  |

error PF302: <script>x</script>"""


def fill() -> None:
    with create_session() as session:
        session.add_all([DagBundleModel(name="pipelines"), DagBundleModel(name="team2")])
        session.flush()
        names = {"mine": "mine.yaml.py", "theirs": "shop/theirs.yaml.py", "python": "python.py"}
        names |= {"half_mine": "both.yaml.py", "half_theirs": "both.yaml.py"}
        names |= {f"many_{number}": f"many/{number}.yml.py" for number in range(MANY)}
        for dag_id, path in names.items():
            session.add(
                DagModel(
                    dag_id=dag_id,
                    relative_fileloc=path,
                    fileloc=path,
                    bundle_name="pipelines",
                    is_stale=dag_id == "theirs",
                    is_paused=dag_id == "theirs",
                    timetable_summary="0 6 * * *",
                    next_dagrun_create_after=NOW,
                    max_active_tasks=16,
                )
            )
        session.flush()
        for number in range(12):
            at = NOW - timedelta(hours=number)
            run = DagRun(
                dag_id="mine", run_id=f"r{number}", run_after=at, run_type=DagRunType.SCHEDULED, state="success"
            )
            if number == 11:  # made late, when Airflow was started
                run.queued_at = run.start_date = NOW
            session.add(run)
        for bundle, path in (("pipelines", "both.yaml.py"), ("team2", "mine.yaml.py")):
            session.add(ParseImportError(filename=path, bundle_name=bundle, stacktrace="secret of others"))
        session.add(ParseImportError(filename="broken.yaml.py", bundle_name="pipelines", stacktrace=BROKEN))
        session.add(
            ParseImportError(filename="shop/theirs.yaml.py", bundle_name="pipelines", stacktrace="secret of theirs")
        )


def load_mine() -> None:
    """A pipeline as the bundle and the dag-processor bring it into the database."""
    folder, output = HOME / "pipelines", HOME / "dags"
    folder.mkdir()
    (folder / "mine.yaml").write_text(MINE)
    (folder / "_defaults.yaml").write_text(DEFAULTS)
    write_dags(folder, output)
    stub = output / "mine.yaml.py"
    names: dict[str, Any] = {"__file__": str(stub)}
    exec(compile(stub.read_bytes(), stub, "exec"), names)  # noqa: S102 # as Airflow reads it
    dag = names["dag_1"]
    dag.fileloc, dag.relative_fileloc = str(stub), "mine.yaml.py"
    with create_session() as session:
        read = [LazyDeserializedDAG.from_dag(dag)]
        update_dag_parsing_results_in_db("pipelines", None, read, {}, 0.1, set(), session)


def make(task_id: str, output: Any, operator: str, to: str | None = None, **xcoms: Any) -> None:
    """What a task of the newest run, whose rendered `to` is this, left behind."""
    row = {"task_id": task_id, "dag_id": "mine", "run_id": "r0"}
    with create_session() as session:
        session.execute(insert(TaskInstance).values(pool="default_pool", operator=operator, state="success", **row))
        if to is not None:
            session.execute(insert(RenderedTaskInstanceFields).values(rendered_fields={"to": to}, map_index=-1, **row))
        for key, value in {"return_value": output, **xcoms}.items():
            XComModel.set(key, value, dag_id="mine", task_id=task_id, run_id="r0", session=session)


def make_things() -> None:
    (HOME / "chart.html").write_text(SCRIPT)
    (HOME / "secret.html").write_text("of the API server's machine")
    (HOME / "model").mkdir()
    (HOME / "model" / "model.json").write_text(json.dumps({"estimator": SCRIPT, "metrics": {SCRIPT: 0.5}}))
    make("chart", str(HOME / "chart.html"), "ChartOperator", str(HOME / "chart.html"))
    (HOME / "é.pdf").write_bytes(b"%PDF")
    make("pdf", str(HOME / "é.pdf"), "ChartOperator", f"{HOME}/é.pdf")
    make("train", {"model": str(HOME / "model"), "metrics": {}}, "TrainOperator", f"{HOME}/model")
    facts = {"status": 200, "rows": 3, "pages": 1, "bytes": 90, "milliseconds": 5, "retries": 0, "headers": {"a": "b"}}
    moves = {"watermark": "2026-01-02", "token": "a token of the server"}
    make("poll", [], "StatefulHttpOperator", http=facts, state=moves)
    remember("watermark", "2026-01-01")
    remember("token", "a token of the server")
    secret = str(HOME / "secret.html")
    (HOME / "link.html").symlink_to("secret.html")
    os.mkfifo(HOME / "pipe.html")
    (HOME / "folder.html").mkdir()
    for name in NO_FILES:
        make(name, str(HOME / f"{name}.html"), "ChartOperator", str(HOME / f"{name}.html"))
    for number, (operator, to) in enumerate(POSING):
        make(f"posing_{number}", secret, operator, to, _link_OpenTheChart="x")
        make(f"posing_model_{number}", {"model": str(HOME / "model")}, operator, to)


def polls_after(fact: Any, ask: Any) -> Any:
    """The page's polls once somebody has written this into the XComs of one."""
    with create_session() as session:
        for key, value in {"http": {"status": 200, "rows": fact}, "state": {"watermark": fact}}.items():
            XComModel.set(key, value, dag_id="mine", task_id="poll", run_id="r0", session=session)
    answer = ask()
    return [(poll["rows"], poll["status"]) for poll in answer.json()["polls"]] if answer.is_success else answer.text


def remember(key: str, value: str) -> None:
    """What a poll's state is, in the asset that the task names as an inlet."""
    with create_session() as session:
        asset = session.scalar(select(AssetModel).where(AssetModel.name == "mine/poll"))
        if asset is None:
            asset = AssetModel(name="mine/poll", uri="mine/poll", group="poll")
            session.add(asset)
            session.flush()
            session.add(TaskInletAssetReference(asset_id=asset.id, dag_id="mine", task_id="poll"))
        session.add(AssetStateStoreModel(asset_id=asset.id, key=key, value=json.dumps(value)))
