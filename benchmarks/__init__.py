"""Benchmarks: each module is a program, `python -m benchmarks.lint`. README.md says what they measure."""
