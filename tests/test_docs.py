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
EXAMPLES = ROOT / "docs/examples"
RECIPES = EXAMPLES / "recipes"
UNTESTED = {
    "broken/orders_today.yaml": "is wrong, to show findings",
    "broken-airflow-3.4/orders.yaml": "is wrong, to show findings",
    "broken-schedule/orders.yaml": "is wrong, to show findings",
    "broken-to-fix/orders.yaml": "is wrong, to show findings",
    "recipes/kubernetes_pod/kubernetes_pod.yaml": "needs a package that is not installed here",
    "recipes/keras_model/predict_keras.yaml": "needs a package that is not installed here",
    "recipes/keras_model/train_keras.yaml": "needs a package that is not installed here",
    "recipes/pytorch_model/predict_pytorch.yaml": "needs a package that is not installed here",
    "recipes/pytorch_model/train_pytorch.yaml": "needs a package that is not installed here",
}
"""Examples without a test beside them, and why."""
BLOCK = re.compile(r"<!-- (?P<kind>file|output): (?P<what>[^>]+?) -->\n```(?P<lang>\w*)\n(?P<body>.*?)```\n", re.S)
YAML_FENCE = re.compile(r"(?P<before>[^\n]*)\n```ya?ml\n")


def factory(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "factory.cli", *arguments]
    environment = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "GITHUB_ACTIONS")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=600)


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
    for folder in sorted(p for p in EXAMPLES.iterdir() if not p.name.startswith("broken") and p != RECIPES):
        result = factory(["lint", str(folder.relative_to(ROOT))])
        assert result.returncode == 0, result.stdout


def test_recipes_are_sound() -> None:
    """Each of them is a pipelines folder."""
    folders = sorted(RECIPES.iterdir())
    assert len(folders) > 10
    result = factory(["lint", *(str(folder.relative_to(ROOT)) for folder in folders)])
    assert result.returncode == 0, result.stdout


def test_every_example_has_a_test() -> None:
    """`make test` runs them."""
    examples = {
        path for ending in ("*.yaml", "*.yml") for path in EXAMPLES.rglob(ending) if path.name != "_defaults.yaml"
    } - {*EXAMPLES.rglob("_templates/*")}
    tests = {path for path in examples if path.name.endswith(".test.yaml")}
    untested = {path for path in examples - tests if path.with_name(f"{path.stem}.test.yaml") not in tests}
    assert {str(path.relative_to(EXAMPLES)) for path in untested} == set(UNTESTED)


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    for markdown in PAGES:
        markdown.write_text(rewritten(markdown.read_text()))
