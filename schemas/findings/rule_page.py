"""The page of a code: what it finds and why, a wrong and a right example. CONTRIBUTING.md says how one is written."""

from __future__ import annotations

from pathlib import Path

from schemas.findings.codes import Code

FOLDER = Path(__file__).parent / "rule_pages"


def page(code: Code) -> str:
    """The Markdown of a code's page."""
    return (FOLDER / f"{code.id}.md").read_text(encoding="utf-8")
