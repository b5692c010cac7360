"""The examples of the reference are DAGs, not only sound documents."""

from __future__ import annotations

import subprocess
import sys

from schemas.published.reference import EXAMPLES

BUILD = """
import sys
from pathlib import Path
from airflow.serialization.serialized_objects import DagSerialization
from factory.build.dag import build
from schemas.check import CheckOptions, check_folder

folder = Path(sys.argv[1])
sys.path.append(str(folder))
for pipeline in check_folder(folder, CheckOptions(environ={})).pipelines:
    print(DagSerialization.to_dict(build(pipeline))["dag"]["dag_id"], pipeline.file)
"""


def test_every_example_is_built_and_can_be_stored() -> None:
    """In a process of its own: the examples have Python beside them."""
    command = [sys.executable, "-c", BUILD, str(EXAMPLES)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)

    assert result.returncode == 0, result.stdout + result.stderr
    built = {line.split()[1] for line in result.stdout.splitlines() if line.endswith(".yaml")}
    assert built == {path.name for path in EXAMPLES.glob("*.yaml") if not path.name.endswith(".test.yaml")}
