"""Effective data → model, or what is wrong with its shape in a user's words. The way in: `validate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from schemas.compose.effective import Effective
from schemas.model.pipeline import Pipeline

if TYPE_CHECKING:
    from schemas.findings.diagnostics import Problem


def validate(document: Effective) -> tuple[Pipeline | None, list[Problem]]:
    """The pipeline of effective data, or every problem of its shape; never both.

    Text from the environment is tried as text first; where a field refuses it, as the YAML scalar it looks like.
    """
    try:
        pipeline = Pipeline.model_validate(document.data)
    except ValidationError as error:
        from schemas.shape.validation import shape_problems, with_scalars  # noqa: PLC0415 # most files are right

        try:
            pipeline = Pipeline.model_validate(with_scalars(error.errors(include_url=False), document.data))
        except ValidationError as again:
            return None, shape_problems(again.errors(include_url=False), document)
    if pipeline.poll is None and pipeline.tasks is None:
        from schemas.shape.validation import nothing_to_do  # noqa: PLC0415 # as above

        return None, [nothing_to_do()]
    return pipeline, []
