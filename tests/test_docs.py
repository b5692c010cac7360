"""Every example in the documentation is a file, every file is checked, every shown output is real.

In Markdown a block follows a comment: `<!-- file: PATH -->` shows a file of the repository, `<!-- output: COMMAND -->`
what a command prints. `python tests/test_docs.py --write` brings the blocks up to date.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
RECIPES = ROOT / "docs/examples/recipes"
BLOCK = re.compile(r"<!-- (?P<kind>file|output): (?P<what>[^>]+?) -->\n```(?P<lang>\w*)\n(?P<body>.*?)```\n", re.S)
YAML_FENCE = re.compile(r"(?P<before>[^\n]*)\n```ya?ml\n")


def factory(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "factory.cli", *arguments]
    environment = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "GITHUB_ACTIONS")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)


def content(kind: str, what: str) -> str:
    if kind == "file":
        return (ROOT / what).read_text()
    program, *arguments = shlex.split(what)
    assert program == "factory", what
    return factory(arguments).stdout


def rewritten(text: str) -> str:
    def fill(match: re.Match[str]) -> str:
        body = content(match["kind"], match["what"])
        return f"<!-- {match['kind']}: {match['what']} -->\n```{match['lang']}\n{body}```\n"

    return BLOCK.sub(fill, text)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_blocks_show_what_is(page: Path) -> None:
    text = page.read_text()
    assert rewritten(text) == text, "run: python tests/test_docs.py --write"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_yaml_block_is_a_file(page: Path) -> None:
    for match in YAML_FENCE.finditer(page.read_text()):
        assert match["before"].startswith("<!-- file: "), f"{page.name}: {match['before']!r}"


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_good_examples_are_sound() -> None:
    examples = ROOT / "docs/examples"
    for folder in sorted(p for p in examples.iterdir() if not p.name.startswith("broken") and p != RECIPES):
        result = factory(["lint", str(folder.relative_to(ROOT))])
        assert result.returncode == 0, result.stdout


def test_recipes_are_sound() -> None:
    """Each of them is a pipelines folder."""
    folders = sorted(RECIPES.iterdir())
    assert len(folders) > 10
    result = factory(["lint", *(str(folder.relative_to(ROOT)) for folder in folders)])
    assert result.returncode == 0, result.stdout


def test_recipes_have_tests() -> None:
    """`make test` runs them."""
    needs_a_package = {"kubernetes_pod", "pytorch_model", "keras_model"}
    tested = {path.parent.name for path in RECIPES.glob("*/*.test.yaml")}
    assert tested == {folder.name for folder in RECIPES.iterdir()} - needs_a_package


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    for markdown in PAGES:
        markdown.write_text(rewritten(markdown.read_text()))
