"""Another distribution's `schemas` is named, in place of an error from deep inside."""

from __future__ import annotations

from pathlib import Path

from tests.factory.cli.commands import factory

ROOT = Path(__file__).resolve().parents[3]


def test_another_module_of_the_name_is_named(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "__init__.py").write_text("raise SystemExit('was imported')\n")
    result = factory("lint", cwd=tmp_path, environment={"PYTHONPATH": str(tmp_path)})
    assert result.returncode == 2
    assert result.stderr.startswith("factory: the module `schemas` would be imported from ")
    assert str(tmp_path / "schemas") in result.stderr
    assert "uninstall the other one" in result.stderr


def test_ours_are_fine(tmp_path: Path) -> None:
    assert factory("lint", "--help", cwd=tmp_path).returncode == 0
