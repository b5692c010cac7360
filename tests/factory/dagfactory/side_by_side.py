"""One process that has dag-factory and this project build the same documents.

    python side_by_side.py REQUEST ANSWER

The JSON file REQUEST is a list of `{"folder": …, "files": […], "environ": {…}}`, with `"convert": false` where nothing
is to be converted; the JSON file ANSWER gets, for each file by `folder/file`, what both made of it:
`{"theirs": DAGs or null, "refusal": text, "ours": DAGs, "findings": […]}`; and of what ours is converted to,
`{"converted": DAGs, "lost": […], "left_out": […], "texts": […], "lint": […]}`;
`left_out` are the keys of `default_args` that are not there any more: no task takes them, or some have them instead.
A DAG is its serialized form without documentation and names of files.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import warnings
from pathlib import Path
from typing import Any

from schemas.check import Checker, CheckOptions
from schemas.source import SourceReader

_NOBODYS = re.compile(
    r"`(?P<key>\w+)` is (?:left out: (?:no task takes it|Airflow 3 ignores it)|not a setting that every task has: "
    r"it is written in `with` of .*)"
)
LEFT_OUT = ("fileloc", "relative_fileloc", "doc_md", "_processor_dags_folder")


def main(request: str, answer: str) -> None:
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    found: dict[str, Any] = {}
    for one in json.loads(Path(request).read_text()):
        os.environ.update(one["environ"])
        sys.path.append(one["folder"])
        before = set(sys.modules)
        checker = Checker(Path(one["folder"]), CheckOptions(shown_folder=""))
        for file in one["files"]:
            mine = ours(checker, file)
            if mine["ours"] and one.get("convert", True):
                mine |= new_files(one["folder"], file)
            found[f"{one['folder']}/{file}"] = {**theirs(one["folder"], file), **mine}
        # The modules beside the next folder's documents have the same names.
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(one["folder"]):
                del sys.modules[name]
        sys.path.remove(one["folder"])
    Path(answer).write_text(json.dumps(found))


def theirs(folder: str, file: str) -> dict[str, Any]:
    from dagfactory.dagfactory import _DagFactory  # noqa: PLC0415 # after logging is off

    try:
        dags = _DagFactory(f"{folder}/{file}", defaults_config_path=folder).build_dags()
        for dag in dags.values():
            dag.validate()  # as Airflow's DagBag does
        return {"theirs": {dag_id: serialized(dag) for dag_id, dag in dags.items()}, "refusal": ""}
    except Exception as error:  # whatever it is, the file has no DAG
        return {"theirs": None, "refusal": f"{type(error).__name__}: {error}"}


def ours(checker: Checker, file: str) -> dict[str, Any]:
    from factory.loading.pipelines import build_checked  # noqa: PLC0415 # as above

    loaded = build_checked(checker, checker.file(file))
    findings = [
        {"severity": d.severity.value, "code": d.code.id, "line": d.span.line, "message": d.message}
        for d in loaded.diagnostics
    ]
    dags = {dag_id: serialized(dag) for dag_id, dag in loaded.dags.items()}
    return {"ours": dags, "findings": findings}


def new_files(folder: str, file: str) -> dict[str, Any]:
    from factory.loading.pipelines import build_checked  # noqa: PLC0415 # as above
    from schemas.dagfactory.convert import convert  # noqa: PLC0415 # as above

    unexpanded = Checker(Path(folder), CheckOptions(shown_folder="", environ={}))
    made = list(convert(unexpanded.variants(file), Path(folder), os.environ, SourceReader(Path(folder))))
    checker = Checker(Path(folder), CheckOptions(shown_folder=""))
    beside = file.rpartition("/")[0]
    found: dict[str, Any] = {"converted": {}, "lost": _lost(made), "texts": [one.text for one in made], "lint": []}
    found["left_out"] = [
        match["key"] for one in made for d in one.findings if (match := _NOBODYS.fullmatch(d.message)) is not None
    ]
    for one in (one for one in made if one.text):
        path = f"{beside}/{one.dag_id}.yaml".removeprefix("/")
        loaded = build_checked(checker, checker.text(one.text, path))
        found["converted"] |= {dag_id: serialized(dag) for dag_id, dag in loaded.dags.items()}
        found["lint"] += [f"{d.span.line}: {d.message}" for d in loaded.diagnostics if d.severity.value == "error"]
    return found


def _lost(made: list[Any]) -> list[str]:
    return [d.message for one in made for d in one.findings if d.severity.value == "error"]


def serialized(dag: Any) -> dict[str, Any]:
    from airflow.serialization.serialized_objects import DagSerialization  # noqa: PLC0415 # as above

    data = DagSerialization.to_dict(dag)["dag"]
    for key in LEFT_OUT:
        data.pop(key, None)
    plain: dict[str, Any] = json.loads(json.dumps(data, sort_keys=True, default=str))
    return plain


if __name__ == "__main__":
    main(*sys.argv[1:])
