"""The command `factory`. Each subcommand is one module here, imported only when it is asked for."""

from __future__ import annotations

import argparse
import atexit
import errno
import gc
import importlib
import io
import keyword
import os
import sys
from collections.abc import Sequence
from pathlib import Path

COMMANDS = {
    "airflow": "run an Airflow command in the Airflow that `factory run` keeps",
    "build": "write DAG files into a folder, for an Airflow that takes no bundle class",
    "convert": "convert pipelines from and to other formats",
    "doctor": "look at this machine's Airflow and say what is wrong",
    "editor": "start the language server that editors talk to",
    "init": "prepare a repository for pipelines: editor, pre-commit, CI",
    "lint": "check pipelines and say what is wrong, on which line",
    "list": "show the pipelines, their schedules, and whether each is valid",
    "new": "write a new pipeline with its test; of a poll, from what its URL answers",
    "plan": "show what a change does to each DAG before it is merged",
    "rule": "explain the code of a finding, such as PF102, or list all codes",
    "run": "start Airflow on this machine with the pipelines, and show what happens",
    "schedule": "show when pipelines run; change a schedule in its file",
    "schema": "print the JSON Schema of pipelines, or its path",
    "show": "show a pipeline with its defaults and environment, and where each value comes from",
    "test": "run the tests of pipelines, `NAME.test.yaml`, offline",
    "try": "run a pipeline, or some of its tasks, in this terminal",
}
USAGE_ERROR = 2
INTERRUPTED = 130


class UsageError(Exception):
    """A command line that cannot work: one line for the user, exit status 2."""


def to_path(text: str) -> Path:
    """A path of the command line. An empty one, which a variable without a value gives, is not the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("the path is empty")
    return Path(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status: 0 clean, 1 errors, 2 usage, 130 interrupted."""
    _print_whatever_the_terminal_takes()
    try:
        return _main(argv)
    except KeyboardInterrupt:
        return INTERRUPTED


def end_by_signal() -> None:
    """Let SIGTERM end this process as Ctrl-C does: what it made for a while is removed."""
    import signal  # noqa: PLC0415 # few commands need it

    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _print_whatever_the_terminal_takes() -> None:
    """Where the output is not UTF-8, a character that it lacks is shown as its number."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _main(argv: Sequence[str] | None) -> int:
    arguments = [*(sys.argv[1:] if argv is None else argv)]  # `list` is the command here, once it was imported
    parser = argparse.ArgumentParser(prog="factory", description="Data pipelines from YAML on Apache Airflow.")
    parser.add_argument("--version", action="store_true", help="show the version")
    # pydantic would look through every installed distribution for plugins, and run what it finds.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    named = next((a for a in arguments if not a.startswith("-")), None)
    if named in ("lint", "list", "show"):
        gc.disable()  # what they make they keep until they end
        atexit.register(gc.freeze)  # nor need the interpreter look through all of it when it ends
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    # The help of `factory` alone names them all; each takes time.
    for name in (named,) if named in COMMANDS and arguments[0] == named else COMMANDS:
        summary = COMMANDS[name]
        subparser = subparsers.add_parser(name, help=summary, description=summary)
        if name == named:
            # `try` is a word of Python: no module can have that name.
            module = importlib.import_module(f"factory.cli.{name}{'_' if keyword.iskeyword(name) else ''}")
            module.add_arguments(subparser)
            subparser.set_defaults(run=module.run)
    parsed = parser.parse_args(arguments)
    if parsed.version:
        return _version()
    if parsed.command is None:
        parser.print_help()
        return USAGE_ERROR
    return _run(parsed)


def _run(parsed: argparse.Namespace) -> int:
    try:
        status: int = parsed.run(parsed)
        if not sys.stdout.closed:  # as an editor leaves it that said `exit`
            sys.stdout.flush()
    except UsageError as error:
        print(f"factory {parsed.command}: {error}", file=sys.stderr)
        return USAGE_ERROR
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            print(
                f"factory {parsed.command}: {str(error.filename)[:60]}…: too long for the name of a file",
                file=sys.stderr,
            )
            return USAGE_ERROR
        if not isinstance(error, BrokenPipeError):
            raise
        # The reader went away, as `head` does; what is left to write has no place to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _version() -> int:
    from importlib.metadata import version  # noqa: PLC0415 # costs lint time that it does not need

    print(f"factory {version('airflow-pipeline-factory')}")
    return 0
