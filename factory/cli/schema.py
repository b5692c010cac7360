"""Print the JSON Schema of pipelines, for editors and other tools, or where it is installed.

Exit status: 0.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import schemas

PIPELINE, DEFAULTS, TESTS = "pipeline.schema.json", "defaults.schema.json", "tests.schema.json"
TEMPLATE = "template.schema.json"
ALL = (PIPELINE, DEFAULTS, TEMPLATE, TESTS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory schema`."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--defaults", action="store_true", help="the schema of `_defaults.yaml` instead")
    which.add_argument("--template", action="store_true", help="the schema of `_templates/NAME.yaml` instead")
    which.add_argument("--tests", action="store_true", help="the schema of `NAME.test.yaml` instead")
    parser.add_argument("--path", action="store_true", help="print the path of the installed file, not its text")


def run(arguments: argparse.Namespace) -> int:
    """Print to standard output; returns the exit status."""
    chosen = {DEFAULTS: arguments.defaults, TEMPLATE: arguments.template, TESTS: arguments.tests}
    path = schema_path(next((name for name, asked in chosen.items() if asked), PIPELINE))
    print(path if arguments.path else path.read_text(encoding="utf-8").rstrip())
    return 0


def schema_path(name: str) -> Path:
    """Where a schema of this installation is."""
    return Path(schemas.__file__).with_name(name)
