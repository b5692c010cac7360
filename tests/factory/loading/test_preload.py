"""Preloading happens in the processes that fork, and nowhere else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from factory.loading.preload import FORKING_COMMANDS

SCRIPT = """
import sys
import factory.loading.preload as preload
preload.MODULES = ("tabnanny",)  # something light that nothing else imports
sys.argv = ["airflow", *sys.argv[1:]]
preload.preload_before_fork()
print("tabnanny" in sys.modules)
"""


def preloaded(*arguments: str) -> bool:
    out = subprocess.run([sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, check=True)
    return out.stdout.strip() == "True"


@pytest.mark.parametrize("command", sorted(FORKING_COMMANDS))
def test_processes_that_fork_preload(command: str) -> None:
    assert preloaded(command, "worker")


@pytest.mark.parametrize("arguments", [[], ["api-server"], ["triggerer"], ["dags", "list"], ["db", "migrate"]])
def test_others_do_not(arguments: list[str]) -> None:
    assert not preloaded(*arguments)


def test_a_broken_installation_is_loud() -> None:
    code = "import factory.loading.preload as p; p.MODULES = ('no_such_module',); p.preload()"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "No module named 'no_such_module'" in out.stderr
