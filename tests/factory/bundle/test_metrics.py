"""What the bundle sends to Airflow's metrics is what the docs name."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow._shared.observability.metrics import stats as server_stats

from factory.bundle.store import BundleError

from .bundles import Bench, version_of

DOCS = Path(__file__).parents[3] / "docs" / "roll-out.md"


class Recorder:
    """A backend of Airflow's metrics: StatsD's or OpenTelemetry's place."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def incr(self, stat: str, **_: Any) -> None:
        self.sent.append(stat)

    def gauge(self, stat: str, _: float, **__: Any) -> None:
        self.sent.append(stat)

    def timing(self, stat: str, _: float, **__: Any) -> None:
        self.sent.append(stat)


@pytest.fixture
def sent() -> Iterator[list[str]]:
    recorder = Recorder()
    server_stats.initialize(factory=lambda: recorder, export_legacy_names=False)  # type: ignore[arg-type,return-value]
    yield recorder.sent
    server_stats.initialize(factory=server_stats.NoStatsLogger, export_legacy_names=False)


def test_refreshes_and_fetches_are_sent_under_the_names_of_the_docs(
    bench: Bench, tmp_path: Path, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = f"file://{tmp_path}/store"
    bench.write("orders.yaml", "one")
    bundle = bench.bundle(store=store)
    bundle.refresh()
    version = version_of(bundle)
    monkeypatch.setattr("factory.bundle.registry.import_errors", lambda _: {})
    monkeypatch.setattr("factory.bundle.registry.named_versions", lambda *_: {version})
    bundle._upkeep.pass_by(pipelines=1)
    shutil.rmtree(bench.base)
    bench.bundle(version, store=store).initialize()
    with pytest.raises(BundleError):
        bench.bundle("0" * 40, store=store).initialize()
    bench.folder.rename(tmp_path / "gone")
    with pytest.raises(BundleError):
        bundle.refresh()
    named = set(re.findall(r"\| `(pipeline_factory\.\w+)` \|", DOCS.read_text(encoding="utf-8")))

    assert set(sent) == named - {"pipeline_factory.poll_rows"}
