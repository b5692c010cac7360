"""Errors of use, which every command answers alike."""

from __future__ import annotations


class UsageError(Exception):
    """A command line that cannot be meant: one line for the user, exit status 2."""
