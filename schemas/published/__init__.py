"""Generators of what is published of the language: the JSON Schemas and docs/reference.md. Lint does not load them."""
