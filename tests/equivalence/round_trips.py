"""One process that takes YAML to Python and back, and all of it to what Airflow serializes.

    python round_trips.py ANSWER MODULES EVERY

The JSON file ANSWER gets `written`, which `fresh_imports.py` reads, and three mappings. `python`: for each pipeline of
`tests/cases/valid`, of the examples and of the pairs,
by `place: dag_id`, where the DAG of its Python module differs, or in one line why there is none. `yaml`: the
same of the file that is made of that module, and as `by hand: NAME` of those that are made of the pairs' Python files.
`airflow`: the same of the file that comes back from Airflow 3.4's YAML, of those of which nothing is said.
The modules are in the folder MODULES. Of all places, every EVERYth is taken.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

SAYS_NO_CHANGE = "needs the package airflow-pipeline-factory"
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.equivalence.differences import DIFFERENCES, Difference  # noqa: E402 # behind the path


def main(answer: str, modules: str, every: str) -> None:
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    sys.dont_write_bytecode = True
    python: dict[str, list[str]] = {}
    yaml: dict[str, list[str]] = {}
    airflow: dict[str, list[str]] = {}
    written: list[tuple[str, str, str, Mapping[str, str]]] = []
    for place, folder, paths, environ in islice(places(), 0, None, int(every)):
        with_modules = set(sys.modules)
        path = list(sys.path)
        os.environ.update(environ)
        for file in paths:
            for dag_id, there, back in trips(folder, file, Path(modules) / place):
                python[f"{place}: {dag_id}"] = there
                module = Path(modules) / place / f"{dag_id}.py"
                if module.exists():
                    written.append((f"{place}: {dag_id}", str(module), str(folder), environ))
                yaml[f"{place}: {dag_id}"] = back
            airflow |= {f"{place}: {dag_id}": lines for dag_id, lines in through_airflow(folder, file)}
        for name in environ:
            del os.environ[name]
        sys.path[:] = path
        for name in set(sys.modules) - with_modules:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
                del sys.modules[name]  # another folder may have one of the same name
    sys.path.append(str(Path(__file__).parent / "pairs"))
    yaml |= {f"by hand: {name}": lines for name, lines in by_hand(Path(__file__).parent / "pairs", int(every))}
    Path(answer).write_text(json.dumps({"python": python, "yaml": yaml, "airflow": airflow, "written": written}))


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


def trips(folder: Path, file: str, modules: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Each DAG of a file, what its module has otherwise, and what the file that is made of the module has otherwise."""
    from factory.build.python_made import imported  # noqa: PLC0415 # as above
    from factory.build.python_module import PythonModule  # noqa: PLC0415 # after logging is off
    from factory.loading.from_python import converted  # noqa: PLC0415 # as above
    from factory.loading.pipelines import build_checked  # noqa: PLC0415 # as above
    from factory.operators import make_importable  # noqa: PLC0415 # as above
    from schemas.check import CheckedPipeline, Checker, CheckOptions, CheckResult  # noqa: PLC0415 # as above
    from tests.equivalence.build_pairs import serialized  # noqa: PLC0415 # as above
    from tests.equivalence.compare import unlike  # noqa: PLC0415 # as above

    make_importable(folder)
    checker = Checker(folder, CheckOptions(shown_folder=""))
    for pipeline in checker.file(file).pipelines:
        if not isinstance(pipeline, CheckedPipeline):
            continue
        dag_id = pipeline.dag_id
        built = build_checked(checker, CheckResult((pipeline,), ()))
        if not built.dags:
            yield dag_id, [d.message for d in built.diagnostics], []
            continue
        there: list[str] = []
        try:
            first = serialized(built.dags[dag_id])
            modules.mkdir(parents=True, exist_ok=True)
            module = modules / f"{dag_id}.py"
            module.write_text(PythonModule(pipeline, checker.subject(file, dag_id).effective).text())
            found = imported(module)
            (dag,) = (one for one in found.dags if one.dag_id == dag_id)
            there = unlike(serialized(dag), first)
            (made,) = (one for one in converted(found, module.name) if one.dag_id == dag_id)
            yield dag_id, there, back(folder, file, made, first)
        except Exception as error:  # whatever it is, it is this module's and no other's
            yield dag_id, there or [f"{type(error).__name__}: {error}"], []


def through_airflow(folder: Path, file: str) -> Iterator[tuple[str, list[str]]]:
    """Each DAG of a file of which Airflow 3.4's YAML can hold everything, and what comes back otherwise: `default_args`
    are written into tasks, and schedules and dates have the time zone there."""
    from factory.loading.pipelines import build_checked  # noqa: PLC0415 # after logging is off
    from schemas.check import Checker, CheckOptions, CheckResult  # noqa: PLC0415 # as above
    from schemas.dagfactory.convert.airflow import to_airflow  # noqa: PLC0415 # as above
    from schemas.dagfactory.convert.from_airflow import airflow_documents, from_airflow  # noqa: PLC0415 # as above
    from schemas.source import SourceReader  # noqa: PLC0415 # as above
    from tests.equivalence.build_pairs import serialized  # noqa: PLC0415 # as above

    checker, reader = Checker(folder, CheckOptions(shown_folder="")), SourceReader(folder)
    pipelines = {one.dag_id: one for one in checker.file(file).pipelines}
    for there in to_airflow(checker.variants(file), os.environ, reader) if not checker.dialect(file) else ():
        (made,) = from_airflow(airflow_documents(there.text, file) or [], file, reader)
        said = [d for d in (*there.findings, *made.findings) if SAYS_NO_CHANGE not in d.message]
        if said or there.dag_id not in pipelines:
            continue
        built = build_checked(checker, CheckResult((pipelines[there.dag_id],), ()))
        if there.dag_id in built.dags:
            first = serialized(built.dags[there.dag_id])
            lines = back(folder, file, made, first, (*DIFFERENCES, SAME_MOMENTS))
            yield there.dag_id, [line for line in lines if not line.startswith(("default_args: ", "timezone: "))]


def moments_of_events(dag: dict[str, Any]) -> None:
    """The dates of an EventsTimetable in UTC; a description that it makes of them has the first and the last one."""
    held = dag.get("timetable", {}).get("__var", {})
    if "event_dates" in held:
        dates = [datetime.fromisoformat(one) for one in held["event_dates"]]
        held["event_dates"] = [one.astimezone(UTC).isoformat() for one in dates]
        for one in dates:
            held["description"] = held["description"].replace(one.isoformat(), one.astimezone(UTC).isoformat())


SAME_MOMENTS = Difference(
    "moments of events",
    "There, dates have no time zone of their own but UTC; the moments are the same.",
    moments_of_events,
)


def by_hand(pairs: Path, every: int) -> Iterator[tuple[str, list[str]]]:
    """Each pair, and what the file that is made of its Python file has otherwise. What the DAG files define is looked
    for in the module `functions`, where whoever converts them moves it."""
    from factory.build.python_made import imported  # noqa: PLC0415 # after logging is off
    from factory.loading.from_python import converted  # noqa: PLC0415 # as above
    from tests.equivalence.build_pairs import serialized  # noqa: PLC0415 # as above

    functions = importlib.import_module("functions")
    for file in sorted(pairs.glob("*.py"))[::every]:
        if not file.with_suffix(".yaml").exists():
            continue
        found = imported(file)
        for dag, made in zip(found.dags, converted(found, file.name), strict=True):

            def moved(match: re.Match[str]) -> str:
                return f"functions.{match[1]}" if hasattr(functions, match[1]) else match[0]

            in_place = "is defined in the DAG file"
            text = re.sub(rf"\b{file.stem}\.(\w+)", moved, made.text)
            findings = tuple(d for d in made.findings if in_place not in d.message)
            lines = back(pairs, f"{file.stem}.yaml", replace(made, text=text, findings=findings), serialized(dag))
            said = [d for d in made.findings if in_place in d.message]
            lines += [f"{d.message}: not there" for d in said if not defines(file, d.span.line, d.message)]
            yield dag.dag_id, lines


def defines(file: Path, line: int, message: str) -> bool:
    """Whether the function that a finding names begins at the line, with its decorators."""
    lines = file.read_text().splitlines()[line - 1 :]
    start = next((one for one in lines if not one.strip().startswith(("@", ")"))), "")
    return f"def {message.split('`')[1]}(" in start or f"class {message.split('`')[1]}(" in start


def back(folder: Path, file: str, made: Any, first: Any, differences: Sequence[Difference] = DIFFERENCES) -> list[str]:
    """What the file that was made has otherwise than the serialized DAG; or what was lost, and what lint finds."""
    from factory.loading.pipelines import build_checked  # noqa: PLC0415 # after logging is off
    from schemas.check import Checker, CheckOptions  # noqa: PLC0415 # as above
    from schemas.findings.codes import Severity  # noqa: PLC0415 # as above
    from schemas.folder.discovery import defaults_paths  # noqa: PLC0415 # as above
    from tests.equivalence.build_pairs import serialized  # noqa: PLC0415 # as above
    from tests.equivalence.compare import unlike  # noqa: PLC0415 # as above

    texts = {**dict.fromkeys(defaults_paths(file), b"{}"), file: made.text.encode()}
    checker = Checker(folder, CheckOptions(shown_folder="", texts=texts))
    built = build_checked(checker, checker.file(file))
    wrong = [d.message for d in (*made.findings, *built.diagnostics) if d.severity is Severity.ERROR]
    dag = built.dags.get(made.dag_id)
    return wrong if dag is None else [*wrong, *unlike(first, serialized(dag), differences)]


if __name__ == "__main__":
    main(*sys.argv[1:])
