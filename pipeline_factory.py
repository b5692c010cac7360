"""Where the `factory` command and the Airflow plug-in start: no other distribution has a module of this name.

The import names of this project, `factory` and `schemas`, are plain words. Another distribution may own them too, such
as factory_boy: pip then writes both into one folder without a warning, and the one installed last wins each file.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

DISTRIBUTION = "airflow-pipeline-factory"
OUR_MODULES = {"factory": {"__init__", "stub_loader"}, "schemas": {"__init__"}}
"""Import name → the modules in the top folder of that package; all others are packages."""


class NameTakenError(ImportError):
    """Another distribution has a package of one of our names; the text says which and what to do."""


def requirement(extra: str = "") -> str:
    """What to write behind `pip install` so that this project, with an extra, comes from where it came from: pip, pipx
    and uv write that down when it was no package index."""
    import json  # noqa: PLC0415 # only errors need it
    from importlib.metadata import distributions  # noqa: PLC0415 # as above

    name = f"{DISTRIBUTION}[{extra}]" if extra else DISTRIBUTION
    installed = next(iter(distributions(name=DISTRIBUTION)), None)  # none where only the path says where we are
    origin = json.loads((installed and installed.read_text("direct_url.json")) or "{}")
    if "vcs_info" in origin:
        vcs = origin["vcs_info"]
        url = f"{vcs['vcs']}+{origin['url']}@{vcs.get('requested_revision') or vcs['commit_id']}"
        # By itself, for the pip of Python 3.11 takes no `git+file://…` behind a name.
        return f"'{name} @ {url}'" if extra else f"'{url}'"
    if origin.get("dir_info", {}).get("editable"):
        # That pip takes no name here.
        return f"--editable '{origin['url']}{name.removeprefix(DISTRIBUTION)}'"
    if "url" in origin:
        return f"'{name} @ {origin['url']}'"
    return f"'{name}'" if extra else name


def check_own_names() -> None:
    """Raises NameTakenError unless both packages are ours, and ours alone. Imports nothing."""
    here = Path(__file__).parent
    for name, modules in OUR_MODULES.items():
        spec = importlib.util.find_spec(name)
        folder = next(iter((spec.submodule_search_locations if spec is not None else None) or ()), None)
        if folder is None or Path(folder).parent != here:
            raise NameTakenError(
                f"`import {name}` finds {folder or 'no package'}, not the package of {DISTRIBUTION} in {here}: "
                f"uninstall {_owner(name)}, or remove that folder from the path"
            )
        found = {path.stem: path for path in Path(folder).glob("*.py")}
        if not found.keys() >= modules:
            raise NameTakenError(f"files of {DISTRIBUTION} are missing in {folder}: run `{_reinstall()}`")
        if found.keys() > modules or DISTRIBUTION.encode() not in found["__init__"].read_bytes():
            raise NameTakenError(
                f"{_owner(name)} also has a package `{name}`, and both are installed into {folder}: uninstall it, then "
                f"run `{_reinstall()}`; or use a virtual environment for each"
            )


def _reinstall() -> str:
    return f"pip install --force-reinstall --no-deps {requirement()}"


def _owner(name: str) -> str:
    from importlib.metadata import packages_distributions  # noqa: PLC0415 # takes time, and only errors need it

    owners = sorted({owner for owner in packages_distributions().get(name, ()) if owner != DISTRIBUTION})
    return f"the distribution {owners[0]}" if owners else "something else"


def main() -> int:
    """The command `factory`; returns its exit status."""
    try:
        check_own_names()
    except NameTakenError as error:
        print(f"factory: {error}", file=sys.stderr)
        return 2
    from factory.cli import main as run  # noqa: PLC0415 # not before the check

    return run()


def __getattr__(name: str) -> Any:
    """The Airflow plug-in, which entry points name. Raises NameTakenError, which Airflow logs."""
    if name != "PipelineFactoryPlugin":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    check_own_names()
    from factory.loading.plugin import PipelineFactoryPlugin  # noqa: PLC0415 # as above

    return PipelineFactoryPlugin
