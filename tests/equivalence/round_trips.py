"""One process that takes YAML to Python and both to what Airflow serializes.

    python round_trips.py ANSWER MODULES

The JSON file ANSWER gets for each pipeline of `tests/cases/valid`, of the examples and of the pairs, by
`place: dag_id`, where the DAG of the module differs from that of the YAML file, or in one line why there is no module.
The modules are in the folder MODULES.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))


def main(answer: str, modules: str) -> None:
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    sys.dont_write_bytecode = True
    found: dict[str, list[str]] = {}
    for place, folder, paths, environ in places():
        with_modules = set(sys.modules)
        path = list(sys.path)
        os.environ.update(environ)
        for file in paths:
            found |= {f"{place}: {dag_id}": lines for dag_id, lines in trips(folder, file, Path(modules) / place)}
        for name in environ:
            del os.environ[name]
        sys.path[:] = path
        for name in set(sys.modules) - with_modules:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
                del sys.modules[name]  # another folder may have one of the same name
    Path(answer).write_text(json.dumps(found))


def places() -> Iterator[tuple[str, Path, list[str], Mapping[str, str]]]:
    from schemas.folder.discovery import pipeline_paths  # noqa: PLC0415 # after logging is off
    from schemas.folder.project import pipelines_folder  # noqa: PLC0415 # as above
    from tests.case_files import cases  # noqa: PLC0415 # as above

    for case in cases("valid"):
        yield case.name, case.folder, list(case.pipelines), case.environ
    examples = [path.parent for path in (ROOT / "docs" / "examples").rglob("*.y*ml") if not path.name.startswith("_")]
    for folder in sorted({pipelines_folder(path) for path in (*examples, ROOT / "pipelines")}):
        if not folder.name.startswith("broken"):
            yield folder.relative_to(ROOT).as_posix(), folder, list(pipeline_paths(folder)), {}
    yield "pairs", ROOT / "tests" / "equivalence" / "pairs", list(pipeline_paths(Path(__file__).parent / "pairs")), {}


def trips(folder: Path, file: str, modules: Path) -> Iterator[tuple[str, list[str]]]:
    """Each DAG of a file, and what its module has otherwise."""
    from factory.build.python_module import PythonModule  # noqa: PLC0415 # after logging is off
    from factory.loading.checked import build_checked  # noqa: PLC0415 # as above
    from factory.operators.user_modules import make_importable  # noqa: PLC0415 # as above
    from schemas.check import CheckedPipeline, Checker, CheckOptions, CheckResult  # noqa: PLC0415 # as above
    from tests.equivalence.build_pairs import serialized  # noqa: PLC0415 # as above
    from tests.equivalence.compare import unlike  # noqa: PLC0415 # as above

    make_importable(folder)
    checker = Checker(folder, CheckOptions(shown_folder=""))
    for pipeline in checker.file(file).pipelines:
        if not isinstance(pipeline, CheckedPipeline):
            continue
        built = build_checked(checker, CheckResult((pipeline,), ()))
        if not built.dags:
            yield pipeline.dag_id, [d.message for d in built.diagnostics]
            continue
        try:
            text = PythonModule(pipeline, checker.subject(file, pipeline.dag_id).effective).text()
            modules.mkdir(parents=True, exist_ok=True)
            (modules / f"{pipeline.dag_id}.py").write_text(text)
            dag = executed(text, folder / file, pipeline.dag_id)
            yield pipeline.dag_id, unlike(serialized(dag), serialized(built.dags[pipeline.dag_id]))
        except Exception as error:  # whatever it is, it is this module's and no other's
            yield pipeline.dag_id, [f"{type(error).__name__}: {error}"]


def executed(text: str, file: Path, dag_id: str) -> Any:
    """The DAG that a module makes beside a file; what it imports may make others."""
    from airflow.sdk.definitions._internal.contextmanager import DagContext  # noqa: PLC0415 # as above

    module = sys.modules["converted"] = ModuleType("converted")
    module.__file__ = str(file)
    DagContext.autoregistered_dags.clear()
    DagContext.current_autoregister_module_name = "converted"
    try:
        exec(compile(text, str(file), "exec"), module.__dict__)  # noqa: S102 # it is what is tested
    finally:
        DagContext.current_autoregister_module_name = None
    return [dag for dag, _ in DagContext.autoregistered_dags if dag.dag_id == dag_id][-1]


if __name__ == "__main__":
    main(*sys.argv[1:])
