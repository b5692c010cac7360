"""`{$object: dotted.path, with: {…}}`: a Python object where an Airflow argument takes one."""

from __future__ import annotations

from pydantic import Field

from schemas.expressions.patterns import DOTTED_PATH_PATTERN
from schemas.model.base import Model
from schemas.model.fields import PlainValue

OBJECT = "$object"


class PythonObject(Model):
    """Something of Python by its dotted path, or, with `with`, what calling it gives."""

    object_: str = Field(alias=OBJECT, pattern=DOTTED_PATH_PATTERN)
    """Dotted path of a class, a function or a value of an installed package or of a module below `pipelines/`."""
    with_: dict[str, PlainValue] | None = Field(default=None, alias="with")
    """Arguments it is called with, by name; `{}` for none. Without `with` it is not called: the class or the function
    itself is meant."""
