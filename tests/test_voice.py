"""Plain English: words that read like a translation stay out of messages, docs, docstrings and comments."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]

INSTEAD = {
    r"mend(?:s|ed|ing)?": "fix",
    r"defects? of ours": "a bug in pipeline-factory",
    r"stands? (?:here )?a second time": "duplicate",
    r"hang(?:s|ing)? on": "is tied to, depends on",
    r"reads? over": "ignores",
    r"takes? (?:it|them) for none": "does not accept",
    r"cannot be meant": "is an obvious mistake",
    r"(?:DAG|task|file|line) more": "an extra DAG",
    r"no like": "no equivalent",
    r"tak(?:e|es|ing|en) (?:it |them |this |that )?away": "remove",
    r"(?:stands?|stood|standing) (?:in(?! for| the way)|at|beside|behind|above|below|here|there|elsewhere)": "is in",
    r"heed(?:s|ed|ing)?": "respect",
    r"only one reading": "unambiguous",
    r"once more Ctrl-C": "press Ctrl-C again",
    r"the one behind the last": "end columns are exclusive",
}
"""What is not written → what is written in its place."""

WORDS = re.compile(rf"\b(?:{'|'.join(f'(?:{word})' for word in INSTEAD)})\b", re.IGNORECASE)
TEXTS = ("*.py", "*.md", "*.yaml", "*.yml", "*.toml", "Makefile")
QUOTING = {"tests/test_voice.py"}


def texts() -> list[str]:
    listed = subprocess.run(["git", "ls-files", *TEXTS], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for path in listed.splitlines() if path not in QUOTING and (ROOT / path).is_file()]


def test_texts_are_plain_english() -> None:
    found = [
        f"{path}:{number}: {match[0]}"
        for path in texts()
        for number, line in enumerate((ROOT / path).read_bytes().decode(errors="replace").splitlines(), 1)
        for match in WORDS.finditer(line)
    ]

    assert found == [], "see INSTEAD for what to write"
