"""`${…}` and `{{ … }}`: what an expression says, and where it is in a value. The way in: `expressions`."""

from schemas.expressions.reading import Expression, expressions

__all__ = ["Expression", "expressions"]
