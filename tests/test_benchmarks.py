"""The benchmarks still run, and measure pipelines that are sound. Their figures are not asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks import pipelines
from benchmarks.operator_pipelines import write_operators
from schemas.check import check_folder
from schemas.findings.codes import Code

CHECKOUT = Path(__file__).resolve().parents[1]
RESULTS = CHECKOUT / "benchmarks" / "results"


def test_the_measured_pipelines_are_sound(tmp_path: Path) -> None:
    result = check_folder(pipelines.write_ours(tmp_path / "pipelines", 3))
    assert not result.diagnostics
    assert [pipeline.dag_id for pipeline in result.pipelines] == ["shop_0000", "shop_0001", "shop_0002"]


def test_the_measured_operators_are_sound_and_checked(tmp_path: Path) -> None:
    folder = write_operators(tmp_path / "pipelines", 1)
    assert not check_folder(folder).diagnostics
    (file,) = folder.iterdir()
    file.write_text(file.read_text().replace("http_conn_id", "http_con_id"))
    assert [finding.code for finding in check_folder(folder).diagnostics] == [Code.UNKNOWN_ARGUMENT]


def test_the_lint_benchmark_runs_and_keeps_nothing_when_quick() -> None:
    kept = {path: path.stat().st_mtime_ns for path in RESULTS.glob("*.json")}
    command = [sys.executable, "-m", "benchmarks.lint", "--quick"]
    out = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    result = json.loads(out[out.index("{") :])
    assert result["cpu_s"].keys() >= {"factory lint", "dagfactory lint"}
    assert {path: path.stat().st_mtime_ns for path in RESULTS.glob("*.json")} == kept
