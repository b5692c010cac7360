"""The operator behind the built-in `bash`: Airflow's BashOperator, whose command reads nothing."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.providers.standard.operators import bash
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException


class _WithoutInput(SubprocessHook):
    last_line = ""

    def run_command(self, command: list[str], *arguments: Any, **more: Any) -> Any:
        found = super().run_command(["/bin/sh", "-c", 'exec "$@" </dev/null', "sh", *command], *arguments, **more)
        self.last_line = found.output
        return found


class BashOperator(bash.BashOperator):
    """Runs a shell command with an empty standard input.

    What a task process has as standard input is Airflow's own socket: a command that reads would wait for ever and
    take messages away, and bash itself takes a socket for a remote login and runs the user's `.bashrc`.
    """

    @cached_property
    def subprocess_hook(self) -> _WithoutInput:
        return _WithoutInput()

    def execute(self, context: Context) -> Any:
        """Raises AirflowException, with the last line that a failed command has written."""
        try:
            return super().execute(context)
        except AirflowException as error:
            if type(error) is not AirflowException or not self.subprocess_hook.last_line:
                raise
            raise AirflowException(f"{error} Its last line: {self.subprocess_hook.last_line}") from None
