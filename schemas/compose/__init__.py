"""Defaults, file, environment and matrix → one effective document for each DAG. The way in: `variants`."""

from schemas.compose.variants import Variant, variants

__all__ = ["Variant", "variants"]
