"""The base of every model of the language: closed, strict, immutable.

The text below a field describes it (`schemas/published/texts.py`). pydantic could read these texts too, but would
do so whenever a model is imported.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Unknown keys are errors, text is never a number, `.inf` and `.nan` are not allowed, and errors never repeat
    the value they are about."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        # Only the whole is ever validated, so the parts need no validators of their own.
        defer_build=True,
    )
