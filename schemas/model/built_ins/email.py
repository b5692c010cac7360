"""The built-in `email`, in the words of Airflow's EmailOperator (the SMTP provider's)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.model.base import Model
from schemas.model.fields import OrTaskOutput, PlainValue
from schemas.model.task_base import TaskBase

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
