"""What reading says of Airflow's own operators against what Airflow says of them when it is running."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from schemas.source import Class, SourceReader

pytestmark = pytest.mark.skipif(importlib.util.find_spec("airflow") is None, reason="needs Airflow")

# The keywords that each constructor along the bases declares are what Airflow checks mapped arguments against.
# Where reading says otherwise, calls decide: a constructor may refuse what its base declares, or fill it in.
PROGRAM = """
import datetime, importlib, inspect, json, pkgutil, sys, warnings
warnings.simplefilter("ignore")
from airflow.sdk import BaseOperator
VALUES = {"subject": "s", "target_time": datetime.time(1), "delta": datetime.timedelta(1)}

def constructs(cls, needed, **given):
    values = {name: VALUES.get(name, "x") for name in needed if name != "task_id"}
    try:
        cls(task_id="t", **{**values, **given})
    except (TypeError, ValueError) as error:
        return str(error)
    return ""

def describe(cls):
    names = {}
    for klass in cls.__mro__:
        if "__init__" in vars(klass):
            parameters = list(inspect.signature(vars(klass)["__init__"]).parameters.values())[1:]
            named = [p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
            for p in named:
                names.setdefault(p.name, p.default is p.empty)
            if klass is BaseOperator or len(named) == len(parameters):
                break
    return names

answers = {}
for package in sys.argv[1].split(","):
    for info in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if not {"operators", "sensors"}.isdisjoint(info.name.split(".")):
            module = importlib.import_module(info.name)
            for cls in vars(module).values():
                if inspect.isclass(cls) and issubclass(cls, BaseOperator) and cls.__module__ == info.name:
                    fields = cls.template_fields
                    fields = [fields] if isinstance(fields, str) else list(fields)
                    answers[f"{info.name}.{cls.__name__}"] = (describe(cls), fields)
read = json.load(sys.stdin)
for path, (names, fields) in answers.items():
    if read.get(path) is None:
        continue
    module, _, name = path.rpartition(".")
    cls = getattr(importlib.import_module(module), name)
    needed = [n for n, required in read[path].items() if required]
    for other in names.keys() - read[path].keys():
        error = constructs(cls, needed, **{other: True})
        if "multiple values" in error or "is not allowed" in error:
            del names[other]
    for other, required in read[path].items():
        if names.get(other) and not required and not constructs(cls, needed):
            names[other] = False
json.dump(answers, sys.stdout)
"""


def test_reading_agrees_with_airflow(tmp_path: Path) -> None:
    reader = SourceReader(tmp_path / "pipelines")
    package = "airflow.providers.standard"
    folder = Path(str(importlib.util.find_spec("airflow").origin)).parent / "providers" / "standard"  # type: ignore[union-attr] # skipped where it is None
    found = {
        each.path: each
        for kind in ("operators", "sensors")
        for file in sorted((folder / kind).glob("[!_]*.py"))
        for name in getattr(reader.find(f"{package}.{kind}.{file.stem}"), "candidates", ())
        if isinstance(each := reader.find(f"{package}.{kind}.{file.stem}.{name}"), Class) and each.is_operator
    }
    read = {path: each.parameters and {p.name: p.required for p in each.parameters} for path, each in found.items()}
    completed = subprocess.run(
        [sys.executable, "-c", PROGRAM, package],
        input=json.dumps(read),
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    answers: dict[str, Any] = json.loads(completed.stdout.splitlines()[-1])
    public = {path for path in answers if not path.rpartition(".")[2].startswith("_")}
    assert set(found) == public
    assert len(public) > 25
    for path in sorted(public):
        names, fields = answers[path]
        assert read[path] == names, path
        assert found[path].template_fields in (None, frozenset(fields)), path
    undecided = {path.rpartition(".")[2] for path in public if found[path].template_fields is None}
    # Its class body appends to the list, depending on Airflow's version.
    assert undecided <= {"ExternalTaskMarker"}
