"""Programs of tests that import Airflow: what they make they keep until they end, and looking again and again for what
nobody needs any more would take a third of their time."""

from __future__ import annotations

import sys
from pathlib import Path

SELDOM = 100_000, 50, 100
"""Thresholds of the garbage collection."""


def program(code: str) -> tuple[str, ...]:
    """The command that runs the code; its arguments follow."""
    return (sys.executable, "-c", f"import gc\ngc.set_threshold(*{SELDOM})\n{code}")


def script_program(script: Path) -> tuple[str, ...]:
    """The command that runs a file."""
    return program(f"import runpy\nrunpy.run_path({str(script)!r}, run_name='__main__')")


def module_program(module: str, python: str = sys.executable) -> tuple[str, ...]:
    """The command that runs a module as `-m` does."""
    run = f"import runpy\nrunpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    return (python, *program(run)[1:])
