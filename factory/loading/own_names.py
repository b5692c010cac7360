"""The import names of this project, `factory` and `schemas`, are plain words: another distribution may own them too."""

from __future__ import annotations

import importlib.util
from pathlib import Path

NAMES = ("factory", "schemas")
DISTRIBUTION = "airflow-pipeline-factory"


class NameTakenError(ImportError):
    """Python would import another distribution's module in place of ours; the text says which and what to do."""


def check_own_names() -> None:
    """Raises NameTakenError unless both packages come from where this file lies. Imports nothing."""
    ours = Path(__file__).parents[2]
    for name in NAMES:
        spec = importlib.util.find_spec(name)
        folders = (spec.submodule_search_locations if spec is not None else None) or ()
        place = next((Path(folder) for folder in folders), None)
        if place is None or place.parent != ours:
            raise NameTakenError(_message(name, place))


def _message(name: str, place: Path | None) -> str:
    from importlib.metadata import packages_distributions  # noqa: PLC0415 # costs time that only this error is worth

    owners = [owner for owner in packages_distributions().get(name, ()) if owner != DISTRIBUTION]
    whose = f"the distribution {owners[0]}" if owners else "something else"
    return (
        f"the module `{name}` would be imported from {place or 'nowhere'}, which belongs to {whose} and not to "
        f"{DISTRIBUTION}: uninstall the other one, or take its folder off the path"
    )
