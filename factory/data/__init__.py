"""Rows that travel between tasks as files, and the built-in data tasks.

The way in for files: `factory.data.row_files`.
"""
