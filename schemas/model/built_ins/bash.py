"""The built-in `bash`, in the words of Airflow's BashOperator."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from schemas.model.base import Model
from schemas.model.fields import OrTaskOutput, WholeNumber
from schemas.model.task_base import TaskBase


class BashArguments(Model):
    """A shell command; the last line it prints is the task's output."""

    bash_command: str = Field(min_length=1, examples=["echo {{ ds }}", "scripts/report.sh"])
    """Command, or a script file that ends in `.sh` or `.bash`; Airflow renders it as a template."""
    env: OrTaskOutput[dict[str, str]] | None = None
    """Environment variables of the command; they replace the inherited ones unless `append_env`.
    Values are text: numbers in quotes."""
    append_env: bool = False
    """Add `env` to the inherited environment variables."""
    cwd: str | None = None
    """Folder in which the command runs. Default: a temporary one."""
    output_encoding: str = "utf-8"
    """Encoding of what the command prints."""
    skip_on_exit_code: WholeNumber | list[WholeNumber] | None = 99
    """Exit codes that skip the task instead of failing it."""


class BashTask(TaskBase):
    """Runs a shell command."""

    templated: ClassVar[frozenset[str]] = frozenset({"bash_command", "env", "cwd"})
    mappable: ClassVar[frozenset[str]] = templated

    uses: Literal["bash"]
    """The built-in that runs a shell command."""
    with_: BashArguments = Field(alias="with")
    """The command."""
