"""The built-ins `bash` and `email`, in the words of Airflow's operators."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.model.fields import Model, OrTaskOutput, PlainValue, WholeNumber
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


_Address = Annotated[str, Field(min_length=1)]
_Addresses = _Address | Annotated[list[_Address], Field(min_length=1)]


class EmailArguments(Model):
    """A message. Put the server and its password into an Airflow connection."""

    to: _Addresses = Field(examples=["data@example.com"])
    """One address or a list."""
    subject: str | None = Field(default=None, examples=["Orders of {{ ds }}"])
    """Subject; without it the connection's `subject_template`."""
    html_content: str | None = Field(default=None, examples=["<p>{{ ti.xcom_pull(task_ids='load') }} rows</p>"])
    """The text, as HTML, or a file that ends in `.html`; without it the connection's `html_content_template`."""
    from_email: _Address | None = None
    """Sender. Default: the connection's."""
    cc: _Addresses | None = None
    """Who gets a copy."""
    bcc: _Addresses | None = None
    """Who gets a blind copy."""
    files: OrTaskOutput[list[str]] | None = None
    """Files to attach."""
    mime_subtype: str = "mixed"
    """MIME subtype of the message."""
    mime_charset: str = "utf-8"
    """Character set of the message."""
    custom_headers: OrTaskOutput[dict[str, PlainValue]] | None = None
    """More header fields."""
    conn_id: str = Field(default="smtp_default", min_length=1)
    """Airflow connection (SMTP)."""


class EmailTask(TaskBase):
    """Sends an e-mail."""

    templated: ClassVar[frozenset[str]] = frozenset(EmailArguments.model_fields)

    uses: Literal["email"]
    """The built-in that sends an e-mail."""
    with_: EmailArguments = Field(alias="with")
    """The message."""
