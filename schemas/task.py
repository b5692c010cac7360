"""A task: what it does (`uses`, `with`), what it waits for (`needs`), and Airflow's settings beside them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from schemas.bash import BashArguments
from schemas.expression_patterns import WORD
from schemas.http import HttpRequest
from schemas.model import Model
from schemas.plain_value import PlainValue
from schemas.settings import TaskSettings

TASK_ID_PATTERN = rf"^{WORD}+$"
"""Letters and digits of any script, `_` and `-`: Airflow's KEY_REGEX without the dot."""

DOTTED_PATH_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+$"

TaskId = Annotated[str, Field(pattern=TASK_ID_PATTERN, max_length=250)]


class _TaskBase(TaskSettings):
    id: TaskId
    """Name of the task: letters, digits, `_` and `-`; unique in the file."""
    needs: list[str] = []
    """Ids of the tasks that must be done first, in `[ ]`. Tasks that `with` refers to already count."""


class HttpTask(_TaskBase):
    """Requests a URL."""

    uses: Literal["http"]
    """The built-in that requests a URL."""
    with_: HttpRequest = Field(alias="with")
    """The request."""


class BashTask(_TaskBase):
    """Runs a shell command."""

    uses: Literal["bash"]
    """The built-in that runs a shell command."""
    with_: BashArguments = Field(alias="with")
    """The command."""


class NoArguments(Model):
    """Nothing: the built-in takes no arguments."""


class EmptyTask(_TaskBase):
    """Does nothing; a place for other tasks to meet."""

    uses: Literal["empty"]
    """The built-in that does nothing."""
    with_: NoArguments = Field(default=NoArguments(), alias="with")
    """Takes no arguments."""


class CodeTask(_TaskBase):
    """Calls a Python function, or is an Airflow operator or sensor."""

    uses: str
    """Dotted path of a function or of an operator class."""
    with_: dict[str, PlainValue] = Field(default={}, alias="with")
    """Arguments of the function or the operator, by name. `${tasks.ID.output}` gives another task's output."""


BUILT_INS: dict[str, type[_TaskBase]] = {"http": HttpTask, "bash": BashTask, "empty": EmptyTask}


def _kind(value: Any) -> str:
    uses = value.get("uses") if isinstance(value, dict) else getattr(value, "uses", None)
    return f"<{uses}>" if isinstance(uses, str) and uses in BUILT_INS else "<code>"


Task = Annotated[
    Annotated[HttpTask, Tag("<http>")]
    | Annotated[BashTask, Tag("<bash>")]
    | Annotated[EmptyTask, Tag("<empty>")]
    | Annotated[CodeTask, Tag("<code>")],
    Discriminator(_kind),
]
