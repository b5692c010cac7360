"""What can go wrong with a bundle: one line for people, naming the folder, the store or the version."""

from __future__ import annotations


class BundleError(RuntimeError):
    """A bundle cannot do what it was asked; its text is one line that says why and what to do."""


class FolderUnavailableError(BundleError):
    """The pipelines folder is not there, is no folder, cannot be listed, or is far too large."""


class FolderUnstableError(BundleError):
    """The pipelines folder changed each time it was read; the next refresh tries again."""


class StoreError(BundleError):
    """The store does not have, or can no longer give, what a version needs."""
