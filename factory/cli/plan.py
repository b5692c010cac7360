"""Show what a change does to each DAG before it is merged.

Compares the pipelines folder with a git revision or another folder, runs no code and needs no Airflow.
Exit status: 0 done, 1 a pipeline has errors or is against the policy, 2 usage, and with --exit-code also changes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from factory.cli import UsageError, end_by_signal, to_path
from factory.cli.options import moment_of, require_writable, shown_folder, write_output
from schemas.folder.discovery import is_pipeline_path, pipeline_paths
from schemas.folder.project import lexically_absolute, pipelines_folder

CHANGES = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `factory plan`."""
    parser.add_argument(
        "base",
        nargs="?",
        metavar="BASE",
        help="a git revision or a folder (default: where this branch left the default branch)",
    )
    parser.add_argument(
        "--pipelines",
        type=to_path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="the folder to look at ($PIPELINES_FOLDER, else pipelines); may be repeated",
    )
    parser.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="default: text")
    parser.add_argument("--output", type=to_path, metavar="FILE", help="write to a file in place of standard output")
    parser.add_argument("--from", dest="moment", metavar="DATE", help="count next runs from this moment (default: now)")
    parser.add_argument("--exit-code", action="store_true", help="exit with 2 if there are changes")


def run(arguments: argparse.Namespace) -> int:
    """Print the plan; returns the exit status."""
    from factory.plan.plan import FORMATS, joined, plan  # noqa: PLC0415 # `--help` does without

    now = moment_of(arguments.moment)
    require_writable(arguments.output)
    end_by_signal()
    if arguments.base is not None and not arguments.base.strip():  # as of a variable that is not set
        raise UsageError("BASE is empty: name a git revision or a folder, or leave it out")
    folders = _folders(arguments.pipelines)
    if len(folders) > 1 and arguments.base is not None and Path(arguments.base).is_dir():
        raise UsageError(f"{arguments.base} is one folder: name one with --pipelines to compare it with")
    plans = []
    for folder, shown in folders.items():
        with base_folder(arguments.base, folder) as (before, name), TemporaryDirectory() as nothing:
            after = folder if folder.is_dir() else Path(nothing)
            if not any(next(pipeline_paths(side), None) for side in (before, after)):
                raise UsageError(f"{shown or folder}: there are no pipelines in this folder, and were none")
            plans.append(plan(before, after, base=name, shown=shown, now=now))
    found = joined(plans)
    report = FORMATS[arguments.format](found)
    if arguments.output is not None:
        write_output(arguments.output, report)
    else:
        print(report, end="")
    if found.has_errors:
        return 1
    return CHANGES if arguments.exit_code and found.entries else 0


def _folders(named: Sequence[Path]) -> dict[Path, str]:
    """The folders to look at, with what people call them. One may have lost its last pipeline, and be gone with it."""
    there = [path.parent if is_pipeline_path(path.name) and not path.exists() else path for path in named]
    found = [pipelines_folder(path) if path.exists() else lexically_absolute(path) for path in there]
    return {folder: shown_folder(folder) for folder in found or [pipelines_folder()]}


@contextmanager
def base_folder(base: str | None, folder: Path) -> Iterator[tuple[Path, str]]:
    """The folder to compare with, and its name for people: while the block runs. Raises UsageError.

    `base` is a folder or a git revision; without it the commit at which this branch left the default branch.
    """
    if base is not None and Path(base).is_dir():
        # Of a project its pipelines are meant, where those of a project are compared with it.
        inner = Path(base).resolve() / folder.name
        yield inner if inner.is_dir() else inner.parent, base
        return
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.is_dir())
    try:
        top = Path(_git(there, "rev-parse", "--show-toplevel"))
    except UsageError as error:
        raise UsageError(f"there is no folder `{base}`: {error}" if base else str(error)) from None
    revision = _git(there, "rev-parse", "--verify", "--quiet", f"{base}^{{commit}}") if base else _where_it_left(there)
    inside = folder.resolve().relative_to(top.resolve()).as_posix()
    name = f"{base or 'where this branch left the default branch'} ({revision[:9]})"
    with TemporaryDirectory(prefix="factory-plan-") as temporary:
        _extract(top, revision, inside, Path(temporary))
        before = Path(temporary) / "tree" / inside
        before.mkdir(parents=True, exist_ok=True)
        yield before, name


def _extract(top: Path, revision: str, inside: str, temporary: Path) -> None:
    """Write a folder as a checkout of the revision has it; the repository and its index stay as they are."""
    index, target = {"GIT_INDEX_FILE": str(temporary / "index")}, temporary / "tree"
    _git(top, "-c", "core.splitIndex=false", "read-tree", revision, environ=index)
    where = [] if inside == "." else [f":(top,literal){inside}"]
    listed = _git(top, "ls-files", "-z", "--", *where, environ=index)
    if listed:  # else the folder is new: every pipeline in it is
        _git(top, "checkout-index", "-z", "--stdin", f"--prefix={target}/", environ=index, given=listed)
    for path in target.rglob("*"):
        # Nobody knows what was there at that revision.
        if path.is_symlink() and not path.resolve().is_relative_to(target.resolve()):
            path.unlink()


def _where_it_left(folder: Path) -> str:
    default = _try_git(folder, "rev-parse", "--abbrev-ref", "origin/HEAD")
    for branch in (default, "origin/main", "origin/master", "main", "master"):
        found = _try_git(folder, "merge-base", "HEAD", branch) if branch else ""
        if found:
            return found
    raise UsageError("there is no default branch to compare with: name a revision or a folder, `factory plan BASE`")


def _try_git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603, S607 # as above
    return done.stdout.strip() if done.returncode == 0 else ""


def _git(folder: Path, *arguments: str, environ: Mapping[str, str] = MappingProxyType({}), given: str = "") -> str:
    try:
        done = subprocess.run(  # noqa: S603 # as above
            ["git", *arguments], cwd=folder, env={**os.environ, **environ}, input=given, check=False,  # noqa: S607 # as above
            capture_output=True, encoding="utf-8", errors="surrogateescape",
        )  # fmt: skip
    except FileNotFoundError:
        raise UsageError("git is not installed: name a folder to compare with, `factory plan FOLDER`") from None
    if done.returncode != 0:
        what = arguments[-1].removesuffix("^{commit}")
        first, dots, _ = what.partition("..")
        more = f": write its first revision, {first}" if dots and first and not first.endswith("/") else ""
        reason = done.stderr.strip().removeprefix("fatal: ") or f"there is no revision or folder `{what}`{more}"
        raise UsageError(reason)
    return done.stdout.strip()
