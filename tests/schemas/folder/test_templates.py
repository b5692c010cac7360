"""Templates that installed packages bring, found without importing the packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory.reporters.in_force import render
from factory.trial.report import task_place
from schemas.check import Checker, CheckOptions
from schemas.folder.project import GROUP, packages

TEMPLATE = """
params: {table: {type: string}}
tasks: [{id: load, uses: bash, with: {bash_command: "echo ${params.table}"}}]
outputs: {rows: "${tasks.load.output}"}
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages: one with templates, and one whose folder is gone."""
    site = tmp_path / "site"
    files = {
        "shop_parts/__init__.py": "raise RuntimeError('imported')\n",
        "shop_parts/templates/load_table.yaml": TEMPLATE,
        "shop_templates-1.2.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: shop-templates\nVersion: 1.2.0\n",
        "shop_templates-1.2.0.dist-info/entry_points.txt": f"[{GROUP}]\nshop = shop_parts.templates\ngone = no_such\n",
    }
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
    monkeypatch.syspath_prepend(str(site))
    return site


def checker(folder: Path, text: str) -> Checker:
    folder.mkdir(exist_ok=True)
    (folder / "orders.yaml").write_text(text)
    return Checker(folder, CheckOptions(environ={}, shown_folder="pipelines"))


def test_a_package_brings_its_templates_with_their_version(site: Path, tmp_path: Path) -> None:
    found = checker(tmp_path / "pipelines", "tasks: [{id: orders, template: shop.load_table, with: {table: orders}}]")

    assert packages()["shop"].folder == site / "shop_parts" / "templates"
    assert found.folder().diagnostics == ()
    (variant,) = found.variants("orders.yaml")
    shown = render(variant.effective)
    assert "# pipelines/orders.yaml:1\n" in shown
    assert "# shop-templates@1.2.0/load_table.yaml:3\n" in shown
    subject = found.subject("orders.yaml", variant.dag_id)
    place = "shop-templates@1.2.0/load_table.yaml:3, used at pipelines/orders.yaml:1"
    assert task_place(subject, "orders.load") == place
    assert task_place(subject, "orders") == "pipelines/orders.yaml:1"


def test_what_is_shown_of_a_callers_reference_has_no_mark(site: Path, tmp_path: Path) -> None:
    assert site
    user = "{id: b, template: shop.load_table, with: {table: '${tasks.a.output}'}}"
    text = f"tasks: [{{id: a, uses: bash, with: {{bash_command: a}}}}, {user}]"
    (variant,) = checker(tmp_path / "pipelines", text).variants("orders.yaml")

    assert "bash_command: echo ${tasks.a.output}" in render(variant.effective)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("shop.load_tabel", "there is no template `shop.load_tabel`"),
        ("gone.load_table", "there is no template `gone.load_table`"),
        ("../secret", "there is no template `../secret`"),
    ],
)
def test_one_that_is_not_there(site: Path, tmp_path: Path, written: str, said: str) -> None:
    assert site
    found = checker(tmp_path / "pipelines", f"tasks: [{{id: orders, template: {written}}}]")

    (finding,) = found.folder().diagnostics
    assert (finding.message, finding.allowed) == (said, ("shop.load_table",))


def test_what_it_refuses_names_the_package(site: Path, tmp_path: Path) -> None:
    assert site
    found = checker(tmp_path / "pipelines", "tasks: [{id: orders, template: shop.load_table, with: {table: 3}}]")

    (finding,) = found.folder().diagnostics
    assert finding.file == "pipelines/orders.yaml"
    assert finding.message.endswith("must be of type `string` (shop-templates@1.2.0/load_table.yaml:2)")
