"""One process that builds the DAGs of every pair, the hand-written Python file and the YAML file.

    python build_pairs.py ANSWER FOLDER…

The JSON file ANSWER gets for each pair of the folders, by its name, `{"python": {dag_id: DAG}, "yaml": {dag_id: DAG},
"findings": [text]}`. A DAG is its serialized form with one thing more: every task made of a Python function has the
names of the function's parameters under `parameters`. A YAML file without a Python file has none by hand.
"""

from __future__ import annotations

import importlib
import inspect
import json
import logging
import sys
import warnings
from pathlib import Path
from typing import Any


def main(answer: str, *folders: str) -> None:
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    sys.dont_write_bytecode = True
    sys.path.extend(folders)
    pairs = {path.stem: pair(path) for folder in folders for path in sorted(Path(folder).glob("*.y*ml"))}
    Path(answer).write_text(json.dumps(pairs))


def pair(path: Path) -> dict[str, Any]:
    try:
        return {**by_hand(path), **by_yaml(path)}
    except Exception as error:  # whatever it is, it is this pair's and no other's
        return {"python": {}, "yaml": {}, "findings": [f"{type(error).__name__}: {error}"]}


def by_hand(path: Path) -> dict[str, Any]:
    """The DAGs that Airflow finds in a Python file: global ones, and those of a `with` or of `@dag`."""
    from airflow.sdk import DAG  # noqa: PLC0415 # after logging is off
    from airflow.sdk.definitions._internal.contextmanager import DagContext  # noqa: PLC0415 # as above

    if not path.with_suffix(".py").is_file():
        return {"python": {}}
    DagContext.autoregistered_dags.clear()
    DagContext.current_autoregister_module_name = path.stem
    module = importlib.import_module(path.stem)
    DagContext.current_autoregister_module_name = None
    registered = [dag for dag, _ in DagContext.autoregistered_dags]
    dags = registered + [value for value in vars(module).values() if isinstance(value, DAG)]
    return {"python": {dag.dag_id: serialized(dag) for dag in dags}}


def by_yaml(path: Path) -> dict[str, Any]:
    from factory.loading.pipelines import build_checked  # noqa: PLC0415 # as above
    from schemas.check import Checker, CheckOptions  # noqa: PLC0415 # as above

    checker = Checker(path.parent, CheckOptions(shown_folder=""))
    loaded = build_checked(checker, checker.file(path.name))
    findings = [f"{d.file}:{d.span.line}: {d.code.id} {d.message}" for d in loaded.diagnostics]
    return {"yaml": {dag_id: serialized(dag) for dag_id, dag in loaded.dags.items()}, "findings": findings}


def serialized(dag: Any) -> dict[str, Any]:
    from airflow.serialization.serialized_objects import DagSerialization  # noqa: PLC0415 # as above

    dag.validate()
    data: dict[str, Any] = json.loads(json.dumps(DagSerialization.to_dict(dag)["dag"], sort_keys=True))
    for task in data["tasks"]:
        operator = dag.get_task(task["__var"]["task_id"])
        function = getattr(operator, "python_callable", None) or getattr(operator, "partial_kwargs", {}).get(
            "python_callable"
        )
        if function is not None:
            task["__var"]["parameters"] = list(inspect.signature(function).parameters)
    return data


if __name__ == "__main__":
    main(*sys.argv[1:])
