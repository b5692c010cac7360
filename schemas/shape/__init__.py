"""Effective data → model, or what is wrong with its shape in a user's words. The way in: `validate`."""

from schemas.shape.validation import validate

__all__ = ["validate"]
