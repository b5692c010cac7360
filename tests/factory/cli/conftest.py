"""What the tests of commands start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factory.cli.commands import GOOD


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pipelines" / "sales").mkdir(parents=True)
    (tmp_path / "pipelines" / "good.yaml").write_text(GOOD)
    return tmp_path
