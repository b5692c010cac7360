"""What a run comes to, where a pipeline is larger than people read."""

from __future__ import annotations

from pathlib import Path

from schemas.check import Checker


def test_a_long_way_behind_a_branch_is_followed_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text("def pick():\n    return 'u'\n")
    chain = [f"  - {{id: t{number}, uses: empty, needs: [t{number - 1}]}}" for number in range(1, 1500)]
    lines = [
        "schedule: null",
        "tasks:",
        "  - {id: pick, uses: branch, with: {python_callable: f.pick}}",
        "  - {id: u, uses: empty, needs: [pick]}",
        "  - {id: t0, uses: empty, needs: [pick]}",
        *chain,
        "  - {id: join, uses: empty, needs: [t1499, u]}",
    ]
    (tmp_path / "a.yaml").write_text("\n".join([*lines, ""]))

    found = Checker(tmp_path).file("a.yaml").diagnostics

    assert [(d.code.id, d.span.line) for d in found] == [("PF352", len(lines))]
