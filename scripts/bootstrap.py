"""Makes the virtual environment that `make run` and `make test` work in, and repairs it.

Runs on the system's Python with nothing installed. The file keeps to syntax that Python 3.6 can read, so
that an interpreter that is too old can say so.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  an older Python must be able to say that it is too old
    sys.exit(
        "Python is too old: {} is {}.{}, and 3.11 or newer is needed. Install a newer one, or name one with "
        "`make run PYTHON=/path/to/python3.11`.".format(sys.executable, *sys.version_info[:2])
    )

import argparse
import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import signal
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from set_up_command import LOG, KilledError, SetUpError, run_phase

LOCK = "requirements.lock"
EXTRA = "requirements-extra.txt"
RECORD = "set-up.json"
"""Below the virtual environment: what it was made from, and whether the last set-up came to its end."""

PACKAGES = 180
"""About so many packages Airflow and this project need."""

UNREACHABLE = re.compile(
    r"NewConnectionError|NameResolutionError|Max retries exceeded|ProxyError|SSLError|Read timed out"
    r"|ConnectTimeout|ConnectionResetError|Network is unreachable|403 Client Error|50\d Server Error"
)
MISSING = re.compile(r"No matching distribution found for (.+)")
CONFLICT = re.compile(r"The conflict is caused by:\n((?:[ ]{4}.+\n)+)")


def main(argv: list[str]) -> int:
    """Make or repair the environment. Returns 0, or 1 after saying what is wrong."""
    parser = argparse.ArgumentParser(description="Make the virtual environment of this checkout.")
    parser.add_argument("--venv", required=True, type=Path, help="folder of the virtual environment")
    parser.add_argument("--extra", action="append", default=[], help="an extra of pyproject.toml to install")
    parser.add_argument("--for-run", type=Path, metavar="HOME", help="refuse where an Airflow runs in this home")
    arguments = parser.parse_args(argv)
    # Where SIGTERM ends set-up it must end pip too, which Ctrl-C in a terminal does by itself.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    root = Path(__file__).resolve().parent.parent
    try:
        if arguments.for_run is not None:
            require_free(root / arguments.for_run.expanduser())
        set_up(root, root / arguments.venv, set(arguments.extra))
    except SetUpError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nSet-up was interrupted; the next one starts it again.", file=sys.stderr)
        return 130
    return 0


def set_up(root: Path, venv: Path, extras: set[str]) -> None:
    """Bring `venv` to what the checkout asks for; does nothing where that was done before.

    Raises SetUpError.
    """
    require_modules()
    with only_one(venv):
        record = read_record(venv)
        if record is None or not usable(record, root, venv):
            record = create(root, venv)
        wanted = fingerprint(root)
        if record["locked"] != wanted or not extras <= set(record["extras"]):
            extras |= set(record["extras"])
            with unfinished(venv, record):
                install_locked(root, venv, extras)
                record.update(locked=wanted, extras=sorted(extras), added="")
        added = digest(requirement_lines(root / EXTRA))
        if record["added"] != added:
            with unfinished(venv, record):
                install_added(root, venv)
                record.update(added=added)


def require_free(home: Path) -> None:
    """Nothing is installed under an Airflow that runs: `factory run` would refuse only afterwards.

    Raises SetUpError.
    """
    try:
        lock = (home / "run.lock").open(encoding="utf-8")
    except OSError:
        return  # no run was there yet; if it cannot be used, `factory run` says so
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            other = lock.read().strip()
            raise SetUpError(
                f"This home is in use by another `make run`{f' (process {other})' if other else ''}: {home}. "
                "Nothing was installed. End that one, or choose another home: make run AIRFLOW_HOME=…"
            ) from None
        except OSError:
            return


def require_modules() -> None:
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        version = "{}.{}".format(*sys.version_info[:2])
        raise SetUpError(
            f"Python {version} ({sys.executable}) has no module `{missing[0]}`. On Debian and Ubuntu: "
            f"sudo apt install python{version}-venv. Then run the same command again."
        )


# -- what was done before ----------------------------------------------------------------------------------


@contextlib.contextmanager
def only_one(venv: Path) -> Iterator[None]:
    """Two set-ups of one folder wait for each other. The lock is the folder itself, which stays in place."""
    try:
        venv.mkdir(parents=True, exist_ok=True)
        handle = os.open(venv, os.O_RDONLY)
    except OSError as error:
        raise SetUpError(f"{venv}: {error.strerror}. The virtual environment needs this folder.") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Another set-up works in {venv}; waiting for it.", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def read_record(venv: Path) -> dict[str, Any] | None:
    try:
        record = json.loads((venv / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # No record, or half of one: the set-up that should have written it did not end.
        return None
    return record if isinstance(record, dict) else None


def write_record(venv: Path, record: dict[str, Any]) -> None:
    scratch = venv / (RECORD + ".new")
    scratch.write_text(json.dumps(record, indent=1), encoding="utf-8")
    scratch.replace(venv / RECORD)


@contextlib.contextmanager
def unfinished(venv: Path, record: dict[str, Any]) -> Iterator[None]:
    """Mark the environment as half-made until the body ends.

    Where pip gives up by itself it leaves no package half installed; where it is killed it may.
    """
    before = dict(record)
    write_record(venv, {**record, "unfinished": True})
    try:
        yield
    except KilledError:
        raise
    except SetUpError:
        write_record(venv, before)
        raise
    write_record(venv, record)


def usable(record: dict[str, Any], root: Path, venv: Path) -> bool:
    """An environment is made anew after a broken set-up, for another Python, and in a moved checkout."""
    return (
        not record.get("unfinished")
        and record.get("python") == python_name()
        and record.get("checkout") == str(root)
        and {"locked", "extras", "added"} <= record.keys()
        and (venv / "bin" / "python").exists()
    )


def python_name() -> str:
    return "{}.{} in {}".format(*sys.version_info[:2], sys.base_prefix)


def fingerprint(root: Path) -> str:
    """What the installed packages depend on: the lock, and of pyproject.toml what an install reads."""
    try:
        lock = (root / LOCK).read_text(encoding="utf-8")
        project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except OSError as error:
        raise SetUpError(f"{error.filename}: {error.strerror}. It belongs to the checkout.") from None
    except tomllib.TOMLDecodeError as error:
        raise SetUpError(f"pyproject.toml: {error}") from None
    parts = [project.get("build-system"), project.get("project"), project.get("tool", {}).get("setuptools")]
    return digest([lock, json.dumps(parts, sort_keys=True, default=str)])


def requirement_lines(path: Path) -> list[str]:
    """The lines of a requirements file that ask for something; none where there is no file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise SetUpError(f"{path}: cannot be read: {error}") from None
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def digest(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest() if lines else ""


# -- the phases --------------------------------------------------------------------------------------------


def create(root: Path, venv: Path) -> dict[str, Any]:
    print(f"Setting up {venv} (once; it takes two to ten minutes, most of them downloads).", flush=True)
    with contextlib.suppress(FileNotFoundError):
        (venv / RECORD).unlink()
    command = [sys.executable, "-I", "-m", "venv", "--clear", str(venv)]
    status, output = run_phase("virtual environment", command, root, venv)
    if status:
        raise SetUpError(f"{tail(output)}\n{venv}: the virtual environment could not be made (see above).")
    record = {"python": python_name(), "checkout": str(root), "locked": "", "extras": [], "added": ""}
    write_record(venv, record)
    return record


def install_locked(root: Path, venv: Path, extras: set[str]) -> None:
    project = ".[{}]".format(",".join(sorted(extras))) if extras else "."
    # Constraints, not requirements: the lock also holds what only other extras need.
    arguments = ["--constraint", LOCK, "--editable", project]
    expected = PACKAGES if "airflow" in extras else 0
    status, output = run_phase(f"packages of {LOCK}", pip(venv, arguments), root, venv, expected)
    if status:
        raise SetUpError(f"{tail(output)}\n{explain(output, LOCK, venv)}")


def install_added(root: Path, venv: Path) -> None:
    if not requirement_lines(root / EXTRA):
        return
    arguments = ["--constraint", LOCK, "--requirement", EXTRA]
    status, output = run_phase(f"packages of {EXTRA}", pip(venv, arguments), root, venv)
    if not status:
        return
    conflict = CONFLICT.search(output + "\n")
    # pip also calls it a conflict where it could not ask the index for other versions.
    if conflict and not UNREACHABLE.search(output):
        raise SetUpError(
            f"{EXTRA}: a package does not fit the versions that Airflow and this project run on ({LOCK}):\n"
            f"{conflict[1]}Write it without a version, or with one that fits."
        )
    raise SetUpError(f"{tail(output)}\n{explain(output, EXTRA, venv)}")


def pip(venv: Path, arguments: list[str]) -> list[str]:
    python = str(venv / "bin" / "python")
    options = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    # A quarter of pip's work, for modules most of which nobody imports; Python keeps the bytecode of the others, unless
    # it is told not to.
    if not os.environ.get("PYTHONDONTWRITEBYTECODE"):
        options.append("--no-compile")
    return [python, "-I", "-m", "pip", "install", *options, *arguments]


def explain(output: str, source: str, venv: Path) -> str:
    """What pip's output means and what to do about it, in one line."""
    if "No space left on device" in output:
        return "The disk is full: make room, then run the same command again."
    if UNREACHABLE.search(output):
        return (
            "The package index could not be reached: check the network, the proxy (HTTPS_PROXY) and pip's "
            "own settings (`pip config list`), then run the same command again."
        )
    missing = MISSING.search(output)
    if missing:
        return (
            f"{source}: no package for `{missing[1].strip()}` on this package index, for this Python "
            f"({python_name()}) and system. Check its name and version, and `pip config list`."
        )
    return f"{source}: pip could not install it. All of its output: {venv / LOG}"


def tail(output: str, lines: int = 12) -> str:
    return "\n".join(output.rstrip().splitlines()[-lines:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
