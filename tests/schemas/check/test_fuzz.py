"""The reader and the checker under texts that nobody wrote, in a process of their own.

Each outcome must be data or findings with positions inside the text, and data must equal the oracle's. A crash of
the C parser, a hang and a bomb are failed tests, because only the child dies of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def fuzz(mode: str, seed: str, seconds: float, folder: Path) -> dict[str, int]:
    progress = folder / "progress"
    command = [sys.executable, "-m", "tests.schemas.check.fuzz", mode, seed, str(seconds), str(progress)]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + 240, check=False)
    under_way = progress.read_text().strip() if progress.exists() else "none"
    assert child.returncode == 0, f"exit {child.returncode} at text {under_way} of seed {seed}:\n{child.stderr[-3000:]}"
    result: dict[str, int] = json.loads(child.stdout)
    return result


@pytest.mark.parametrize("mode", ["bytes", "fragments", "pipelines"])
def test_every_outcome_is_data_or_findings(mode: str, tmp_path: Path) -> None:
    result = fuzz(mode, "1", 0, tmp_path)

    assert result["texts"] > 100
    assert result["compared"] > 10


@pytest.mark.parametrize(("every", "least"), [(6, 12), pytest.param(1, 80, marks=pytest.mark.soak)])
def test_hostile_texts_are_findings_like_others(every: int, least: int, tmp_path: Path) -> None:
    assert fuzz("hostile", str(every), 60, tmp_path)["texts"] > least


@pytest.mark.soak
@pytest.mark.parametrize("mode", ["bytes", "fragments", "pipelines"])
@pytest.mark.parametrize("seed", ["a", "b", "c"])
def test_every_outcome_is_data_or_findings_for_long(mode: str, seed: str, tmp_path: Path) -> None:
    assert fuzz(mode, seed, 60, tmp_path)["texts"] > 1000


def test_a_crash_of_the_child_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="exit 1 at text none of seed 1"):
        fuzz("no-such-mode", "1", 1, tmp_path / "missing")
