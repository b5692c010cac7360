"""The operator behind the built-in `bash`: Airflow's BashOperator, whose command reads nothing."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.providers.standard.operators import bash


class _WithoutInput(SubprocessHook):
    def run_command(self, command: list[str], *arguments: Any, **more: Any) -> Any:
        return super().run_command(["/bin/sh", "-c", 'exec "$@" </dev/null', "sh", *command], *arguments, **more)


class BashOperator(bash.BashOperator):
    """Runs a shell command with an empty standard input.

    What a task process has as standard input is Airflow's own socket: a command that reads would wait for ever and
    take messages away, and bash itself takes a socket for a remote login and runs the user's `.bashrc`.
    """

    @cached_property
    def subprocess_hook(self) -> SubprocessHook:
        return _WithoutInput()
