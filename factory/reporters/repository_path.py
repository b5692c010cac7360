"""Paths as a code host knows them: below the root of the repository, whatever folder lint ran in."""

from __future__ import annotations

import os

_ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def repository_path(file: str) -> str:
    """The POSIX path of a shown file below the checkout of a CI job; as it is outside of one."""
    root = next((os.environ[name] for name in _ROOTS if os.environ.get(name)), None)
    place = os.path.realpath(file)
    if root is None or not place.startswith(f"{os.path.realpath(root)}{os.sep}"):
        return file.replace(os.sep, "/")
    return os.path.relpath(place, os.path.realpath(root)).replace(os.sep, "/")
