"""What an editor says of the cases: an error where the JSON Schema can know of one, none where a pipeline is sound.

Takes Node and npm, and installs the server below `build/`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.schemas.published.reach import IN_REACH

from ..case_files import Case, cases
from .language_server import LanguageServer

pytestmark = pytest.mark.soak

ROOT = Path(__file__).resolve().parents[2]
SERVER = "yaml-language-server@1.25.0"
FOLDER = ROOT / "build" / "editor"
SETTINGS = {"validate": True, "schemaStore": {"enable": False}}
REACHED = {code.id for code in IN_REACH}
SAID_BY_LINT_ONLY = {
    "file-is-empty": "the server validates a value, and an empty file has none",
    "vars-that-do-not-fit": "a value of `vars` is wrong where it is used, and the server does not follow it there",
}


@pytest.fixture(scope="module")
def server() -> Iterator[LanguageServer]:
    if shutil.which("npm") is None:
        pytest.fail("Node and npm are needed for the language server")
    FOLDER.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--prefix", str(FOLDER), "--no-audit", "--no-fund", "--silent", SERVER]
    subprocess.run(command, check=True, cwd=FOLDER)
    with LanguageServer(
        ["node", str(FOLDER / "node_modules" / ".bin" / "yaml-language-server"), "--stdio"], SETTINGS
    ) as one:
        yield one


def with_modeline(case: Case) -> str:
    """The text as a user has it open: the schema is named in the first line, which moves all others down by one."""
    schema = (ROOT / "schemas" / "pipeline.schema.json").as_uri()
    text = (case.folder / case.files[0]).read_bytes().decode("utf-8-sig")
    return f"# yaml-language-server: $schema={schema}\n{text}"


def single_files(kind: str) -> list[Case]:
    return [case for case in cases(kind) if not case.is_folder]


def test_sound_pipelines_have_no_errors(server: LanguageServer) -> None:
    found = {c.name: server.error_lines(c.folder / c.files[0], with_modeline(c)) for c in single_files("valid")}

    assert {name: errors for name, errors in found.items() if errors} == {}


def test_what_the_schema_can_know_is_an_error_on_its_line(server: LanguageServer) -> None:
    silent, elsewhere = [], {}
    for case in single_files("invalid"):
        places = [match for line in case.expected() if (match := re.search(r": (\d+):\d+ (\w+) ", line))]
        lines = {int(match[1]) for match in places if match[2] in REACHED}
        found = server.error_lines(case.folder / case.files[0], with_modeline(case))
        if lines and not found:
            silent.append(case.name)
        elif lines and not lines & {line - 1 for line, _ in found}:
            elsewhere[case.name] = (lines, found)

    assert silent == list(SAID_BY_LINT_ONLY)
    assert elsewhere == {}
