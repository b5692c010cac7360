"""Parse pipelines folders as Airflow's dag-processor does, up to the bytes that its child process sends.

    python parse_folders.py REQUEST ANSWER

The JSON file REQUEST is a list of `{"folder": …, "environ": {…}}`; the JSON file ANSWER gets, for each folder and
each of its pipelines' files, `{"dags": [ids], "error": the import error}`. Each folder has a process of its own.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import structlog
from airflow.dag_processing.processor import DagFileParseRequest, _parse_file
from airflow.sdk.execution_time.comms import _RequestFrame

from factory.bundle.records import Origin
from factory.bundle.refresh import Refresher
from factory.bundle.store import Store
from factory.loading.preload import preload
from schemas.check.dependencies import pipeline_files

STUB = ".py"
WARM = """\
schedule: "@daily"
poll: {url: "http://127.0.0.1/", expect: {status: 200}}
tasks: [{id: say, uses: bash, with: {bash_command: echo}}]
"""
"""Uses no Python of its own: nothing of it could be mistaken for a module of a folder that is parsed later."""


def main(request: str, answer: str) -> None:
    preload()
    warm_up()
    gc.freeze()  # as Airflow does before it forks
    folders = json.loads(Path(request).read_text())
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        parsed = pool.starmap(parse_folder, [(one["folder"], one["environ"]) for one in folders], chunksize=1)
    found = {one["folder"]: files for one, files in zip(folders, parsed, strict=True)}
    Path(answer).write_text(json.dumps(found))


def warm_up() -> None:
    """Have made what any first pipeline has Airflow, pydantic and the rules make; each folder's process would anew."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "warm.yaml").write_text(WARM)
        (found,) = parse_folder(folder, {}).values()
        assert found["dags"] == ["warm"], found["error"]


def parse_folder(folder: str, environ: dict[str, str]) -> dict[str, dict[str, Any]]:
    os.environ.update(environ)
    with tempfile.TemporaryDirectory() as storage:
        store = Store(Path(storage))
        Refresher(
            origin=Origin(folder, ""),
            store=store,
            files=pipeline_files,
            loader="factory.stub_loader",
            settle_seconds=0.01,
        ).refresh()
        current = store.root / "current"
        stubs = sorted(p for p in current.rglob(f"*{STUB}") if p.with_suffix("").suffix in (".yaml", ".yml"))
        return {stub.relative_to(current).as_posix().removesuffix(STUB): parse(stub, current) for stub in stubs}


def parse(stub: Path, current: Path) -> dict[str, Any]:
    message = DagFileParseRequest(file=str(stub), bundle_path=current, bundle_name="pipelines")
    try:
        result = _parse_file(message, structlog.get_logger())
        assert result is not None
        _RequestFrame(id=0, body=result.model_dump()).as_bytes()
    except Exception:
        return {"dags": [], "error": traceback.format_exc()}
    return {
        "dags": [d.dag_id for d in result.serialized_dags],
        "error": "\n".join((result.import_errors or {}).values()),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
