"""The process in which benchmarks/dag_factory_documents.py measures.

    python dag_factory_process.py ANSWER all|one dag-factory|ours FOLDER DAG_ID

`all`: load every document of the folder. `one`: what a task of DAG_ID has to load when it starts. Writes JSON to the
file ANSWER: CPU and wall seconds and the growth of the process's memory in MiB, without what both import.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path


def main(answer: str, what: str, who: str, folder: str, dag_id: str) -> None:
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    sys.path.append(folder)
    load = dag_factory(folder) if who == "dag-factory" else ours(folder, what, dag_id)
    if what == "one":
        os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = dag_id
    memory, cpu, wall = peak(), time.process_time(), time.perf_counter()
    dags = load()
    spent = {
        "cpu_s": time.process_time() - cpu,
        "wall_s": time.perf_counter() - wall,
        "memory_mib": peak() - memory,
        "dags": dags,
    }
    Path(answer).write_text(json.dumps(spent))


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def dag_factory(folder: str) -> Callable[[], int]:
    """Its loader knows no single DAG: a task start loads all of them, too."""
    from dagfactory import load_yaml_dags  # noqa: PLC0415 # each case imports its own

    def load() -> int:
        namespace: dict[str, object] = {}
        load_yaml_dags(namespace, dags_folder=folder, defaults_config_path=folder)
        return len(namespace)

    return load


def ours(folder: str, what: str, dag_id: str) -> Callable[[], int]:
    import dagfactory  # noqa: F401, PLC0415 # its builder; Airflow loads it with its plugins

    from factory.loading.pipelines import load_pipelines  # noqa: PLC0415 # each case imports its own
    from factory.loading.preload import preload  # noqa: PLC0415 # as above
    from factory.stub_loader import load_stub  # noqa: PLC0415 # as above

    preload()

    def load() -> int:
        if what == "all":
            return len(load_pipelines(Path(folder)).dags)
        namespace: dict[str, object] = {}
        load_stub(namespace, f"{dag_id}.yaml", Path(folder))
        return len(namespace)

    return load


if __name__ == "__main__":
    main(*sys.argv[1:])
