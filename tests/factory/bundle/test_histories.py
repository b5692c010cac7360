"""Whatever happened before, `current/` is what a fresh build gives, and every version rebuilds byte for byte."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .bundles import Bench, contents, version_of

PATHS = st.sampled_from(
    ["a.yaml", "a.yml", "_defaults.yaml", "t/b.yaml", "t/_defaults.yaml", "t/jobs.py", "t/u/c.yaml", "a.yaml/d.yaml"]
)
TEXTS = st.sampled_from(["x: 1\n", "x: 2\n", "uses: t.jobs\n", "fails\n", "file: t/u/c.yaml\n", ""])
STEPS = st.one_of(
    st.tuples(st.just("write"), PATHS, TEXTS),
    st.tuples(st.just("delete"), PATHS, st.just("")),
    st.tuples(st.just("rename"), PATHS, PATHS),
    st.tuples(st.just("restart"), PATHS, TEXTS),
    st.tuples(st.just("damage"), PATHS, TEXTS),
)


def clear(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def make_way(folder: Path, path: str) -> Path:
    for parent in reversed(Path(path).parents):
        if (folder / parent).is_file():
            (folder / parent).unlink()
    file = folder / path
    if file.is_dir():
        shutil.rmtree(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def take(step: tuple[str, str, str], bench: Bench) -> None:
    action, path, argument = step
    target = bench.folder / path
    if action == "write":
        make_way(bench.folder, path).write_text(argument)
    elif action == "delete" and target.exists():
        clear(target)
    elif action == "rename" and target.is_file():
        data = target.read_bytes()
        target.unlink()
        make_way(bench.folder, argument).write_bytes(data)
    elif action == "damage" and bench.current.exists():
        make_way(bench.current, path).write_text(argument)


@given(steps=st.lists(STEPS, min_size=1, max_size=12))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_history_ends_in_a_fresh_build(bench: Bench, steps: list[tuple[str, str, str]]) -> None:
    with tempfile.TemporaryDirectory(dir=bench.storage.parent) as folder:
        # Nobody else writes here, so there is nothing to wait for between two readings.
        here = Bench(Path(folder), bench.storage, Path(folder).name, settle_seconds=0)
        bundle = here.refreshed()
        seen = {}
        for step in steps:
            take(step, here)
            if step[0] == "restart":
                bundle = here.bundle()
            bundle.refresh()
            seen[version_of(bundle)] = contents(here.current)
        fresh = here.beside("fresh-" + here.name).refreshed()
        assert contents(here.current) == contents(fresh.path)
        assert version_of(bundle) == version_of(fresh)
        shutil.rmtree(here.base / "snapshots")
        for version, files in seen.items():
            pinned = here.bundle(version)
            pinned.initialize()
            assert contents(pinned.path) == files
