"""What a plan compares with: a folder, or the pipelines folder as it was in a git revision."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class BaseError(Exception):
    """What the plan cannot be compared with, and why, in one line."""


@contextmanager
def base_folder(base: str | None, folder: Path) -> Iterator[tuple[Path, str]]:
    """The folder to compare with, and its name for people: while the block runs. Raises BaseError.

    `base` is a folder or a git revision; without it the commit at which this branch left the default branch.
    """
    if base is not None and Path(base).is_dir():
        yield Path(base), base
        return
    top = Path(_git(folder, "rev-parse", "--show-toplevel"))
    revision = (
        _git(folder, "rev-parse", "--verify", "--quiet", f"{base}^{{commit}}") if base else _where_it_left(folder)
    )
    inside = folder.resolve().relative_to(top.resolve()).as_posix()
    name = f"{base or 'where this branch left the default branch'} ({revision[:9]})"
    with tempfile.TemporaryDirectory(prefix="factory-plan-") as temporary:
        _extract(top, revision, inside, Path(temporary))
        before = Path(temporary) / inside
        before.mkdir(parents=True, exist_ok=True)
        yield before, name


def _extract(top: Path, revision: str, inside: str, target: Path) -> None:
    listed = subprocess.run(  # noqa: S603 # git, with a revision that it has resolved itself
        ["git", "ls-tree", "--name-only", revision, "--", inside],  # noqa: S607 # git is found on the path
        cwd=top, capture_output=True, check=True,
    ).stdout  # fmt: skip
    if not listed and inside != ".":
        return  # the folder is new: every pipeline in it is
    archive = subprocess.run(  # noqa: S603 # as above
        ["git", "archive", "--format=tar", revision, "--", inside],  # noqa: S607 # as above
        cwd=top, capture_output=True, check=True,
    ).stdout  # fmt: skip
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(target, filter="data")


def _where_it_left(folder: Path) -> str:
    for branch in (
        _try_git(folder, "rev-parse", "--abbrev-ref", "origin/HEAD"),
        "origin/main",
        "origin/master",
        "main",
        "master",
    ):
        found = _try_git(folder, "merge-base", "HEAD", branch) if branch else ""
        if found:
            return found
    raise BaseError("there is no default branch to compare with: name a revision or a folder, `factory plan BASE`")


def _try_git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603, S607 # as above
    return done.stdout.strip() if done.returncode == 0 else ""


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603, S607 # as above
    except FileNotFoundError:
        raise BaseError("git is not installed: name a folder to compare with, `factory plan FOLDER`") from None
    if done.returncode != 0:
        what = arguments[-1].removesuffix("^{commit}")
        reason = done.stderr.strip().removeprefix("fatal: ") or f"there is no revision or folder `{what}`"
        raise BaseError(reason)
    return done.stdout.strip()
