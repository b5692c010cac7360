"""Events on a real terminal and in a pipe."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

PROGRAM = """
from factory.local.terminal import Event, in_columns
from factory.local.terminal import Terminal
terminal = Terminal(on_lost=lambda: None)
terminal.event(Event(in_columns("found", "売上"), "@daily"))
terminal.event(Event(in_columns("found", "sales"), "@daily"))
terminal.event(Event(in_columns("broken", "a\\nb\\x1b[2J.yaml"), "/a/path" * 40))
"""
COMMAND = [sys.executable, "-c", PROGRAM]


def on_a_terminal() -> list[str]:
    ours, theirs = pty.openpty()
    subprocess.run(COMMAND, stdout=theirs, check=True)
    os.close(theirs)
    text = os.read(ours, 65_536).decode()
    os.close(ours)
    return text.splitlines()


def test_a_long_detail_has_a_line_of_its_own_on_a_terminal_and_none_is_cut() -> None:
    lines = on_a_terminal()
    assert len(lines) == 4
    assert lines[2].endswith("a�b�[2J.yaml")
    assert lines[3] == " " * 10 + "/a/path" * 40


def test_what_is_no_terminal_gets_a_line_for_each_event() -> None:
    lines = subprocess.run(COMMAND, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(lines) == 3
    assert lines[2].endswith("/a/path" * 40)


def test_columns_stand_in_line_beside_wide_characters() -> None:
    wide, narrow, *_ = on_a_terminal()
    assert narrow.index("@daily") - wide.index("@daily") == 2


def test_a_step_that_goes_on_is_told_of_now_and_then() -> None:
    program = """
from pathlib import Path
from factory.local.terminal import Terminal
terminal = Terminal(on_lost=lambda: None)
for seconds in (19.9, 20.1, 21, 40.3):
    terminal.waiting("database", seconds, Path("/logs"))
for seconds in (1, 25):
    terminal.waiting("Airflow", seconds, Path("/logs"))
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert [line.split()[:3] for line in said.splitlines()] == [
        ["database", "20", "s"],
        ["database", "40", "s"],
        ["Airflow", "25", "s"],
    ]
    assert said.count("its log is in /logs\n") == 3
