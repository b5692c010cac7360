"""The pydantic models of the language, one concept a file. The way in: `schemas.model.pipeline.Pipeline`.

Nothing is imported here: a program that needs one model does not pay for all of them.
"""
