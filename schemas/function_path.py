"""An argument that names a Python function."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.expression_patterns import DOTTED_PATH_PATTERN

FunctionPath = Annotated[str, Field(pattern=DOTTED_PATH_PATTERN, examples=["checks.enough_rows"])]
"""Dotted path of a function of a module below the pipelines folder, or of an installed one."""
