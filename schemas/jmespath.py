"""JMESPath expressions (https://jmespath.org), which select a part of a decoded answer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

JmesPath = Annotated[str, Field(min_length=1, max_length=1000)]
"""Its syntax is a rule's concern (`schemas.rules.jmespath`), so that only files that have one import the parser."""
