"""Assets: names and URIs that Airflow refuses, and those that mean two things."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic, Related
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import meant
from schemas.folder.discovery import dag_id_of
from schemas.model.schedule import Asset
from schemas.rules.expressions import has_expression
from schemas.rules.graph import ways_around
from schemas.rules.subject import Subject
from schemas.source import Function, SourceReader

_PROHIBITED = ("self", "context")  # airflow.sdk.definitions.asset._validate_asset_name
_SEVERAL = re.compile(r"[\w./:-]+(?:(?:,\s+|\s*\|\s*)[\w./:-]+)+")
MARKS = ("assets", "inlets", "outlets")
_REFUSED_URIS = {
    "bigquery": ("google.assets.bigquery", "PROJECT/DATASET/TABLE"),
    "gs": ("google.assets.gcs", "BUCKET/…"),
    "mariadb": ("mysql.assets.mysql", "HOST/DATABASE/TABLE"),
    "mysql": ("mysql.assets.mysql", "HOST/DATABASE/TABLE"),
    "postgres": ("postgres.assets.postgres", "HOST/DATABASE/SCHEMA/TABLE"),
    "postgresql": ("postgres.assets.postgres", "HOST/DATABASE/SCHEMA/TABLE"),
    "redshift": ("amazon.aws.assets.redshift", "HOST/DATABASE/SCHEMA/TABLE"),
    "s3": ("amazon.aws.assets.s3", "BUCKET/…"),
    "trino": ("trino.assets.trino", "HOST/CATALOG/SCHEMA/TABLE"),
}
"""Scheme → the provider's module that looks at such URIs, and what must follow `://`."""
URI_MARKS = tuple(f"{scheme}:" for scheme in _REFUSED_URIS)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Findings in `schedule: {assets}`, `inlets` and `outlets`."""
    if not subject.may_hold(*MARKS):
        return
    found = list(entries(subject))
    for path, entry in found:
        yield from _entry(subject, path, entry)
    yield from _conflicts(subject, found)
    yield from _mappers(subject, found)


def entries(subject: Subject) -> Iterator[tuple[DataPath, Any]]:
    """Every asset and alias, text or mapping, with its path."""
    schedule = subject.data.get("schedule")
    if isinstance(schedule, dict):
        yield from _condition(("schedule", "assets"), schedule.get("assets"))
    for path, settings in subject.settings:
        for key in ("inlets", "outlets"):
            written = settings.get(key)
            for index, entry in enumerate(written if isinstance(written, list) else ()):
                yield (*path, key, index), entry


def _condition(path: DataPath, written: Any) -> Iterator[tuple[DataPath, Any]]:
    if not isinstance(written, dict):
        yield path, written
        return
    key = next((key for key in ("any", "all") if key in written), None)
    if key is None:
        yield path, written
    elif isinstance(written[key], list):
        for index, inner in enumerate(written[key]):
            yield from _condition((*path, key, index), inner)


def _entry(subject: Subject, path: DataPath, entry: Any) -> Iterator[Diagnostic]:
    if isinstance(entry, str):
        yield from _text(subject, path, entry, "name")
    elif isinstance(entry, dict) and "alias" in entry:
        yield from _text(subject, (*path, "alias"), entry["alias"], "alias")
    elif isinstance(entry, dict):
        # Whoever wrote another key meant one of these; that key has its own finding.
        if entry.keys() <= Asset.model_fields.keys() and entry.get("name") is None and entry.get("uri") is None:
            yield subject.finding(Code.BAD_ASSET, path, "an asset has a `name`, a `uri`, or both")
        for key in ("name", "uri"):
            yield from _text(subject, (*path, key), entry.get(key), key)


def _text(subject: Subject, path: DataPath, text: Any, what: str) -> Iterator[Diagnostic]:
    if not isinstance(text, str) or not text or has_expression(subject, path):
        return
    why = help = ""
    if text.isspace():
        why = "it is only whitespace"
    elif what == "name" and text in _PROHIBITED:
        why = f"Airflow keeps `{text}` for itself"
    elif "{{" in text or "{%" in text:
        why = "Airflow does not render it, since schedules have to know it"
        help = "for assets that are known only when a task runs, write `{alias: …}`"
    elif what != "alias" and text.lower().startswith("airflow:"):
        why = "Airflow keeps URIs that start with `airflow:` for itself"
    elif what == "name" and path[:1] == ("schedule",) and _SEVERAL.fullmatch(text):
        message = f"this is one asset, which is named `{text}`"
        yield subject.finding(
            Code.BAD_ASSET,
            path,
            message,
            help="for several write `{any: [a, b]}` or `{all: [a, b]}`",
            severity=Severity.WARNING,
        )
    if why:
        yield subject.finding(Code.BAD_ASSET, path, f"an asset cannot have this name: {why}", help=help)


def check_uris(subject: Subject, reader: SourceReader) -> Iterator[Diagnostic]:
    """URIs that a provider of Airflow refuses, so that the DAG is not built."""
    if not subject.may_hold(*MARKS) or not subject.may_hold(*URI_MARKS):
        return
    for path, entry in entries(subject):
        place, uri = ((*path, "uri"), entry.get("uri")) if isinstance(entry, dict) else (path, entry)
        if isinstance(uri, str) and not has_expression(subject, place):
            yield from said_of_uri(subject, place, uri, reader)


def said_of_uri(subject: Subject, path: DataPath, uri: str, reader: SourceReader) -> Iterator[Diagnostic]:
    """The finding that a provider refuses a URI, where it does: an error where that provider is installed."""
    scheme, has_scheme, rest = uri.partition(":")
    module, form = _REFUSED_URIS.get(scheme.lower(), ("", "")) if has_scheme else ("", "")
    host, *parts = re.split(r"[?#]", rest, maxsplit=1)[0].removeprefix("//").rstrip("/").split("/")
    if not module or (rest.startswith("//") and host and ("…" in form or len(parts) == form.count("/"))):
        return
    is_here = isinstance(reader.find(f"airflow.providers.{module}.sanitize_uri"), Function)
    message = f"Airflow's provider refuses this URI of an asset: it must be `{scheme}://{form}`"
    severity = Severity.ERROR if is_here else Severity.WARNING
    yield subject.finding(Code.BAD_ASSET, path, message, severity=severity)


def _conflicts(subject: Subject, found: list[tuple[DataPath, Any]]) -> Iterator[Diagnostic]:
    """Airflow keeps one asset active for each name and for each URI; the schedules of the other one never run."""
    uri_of: dict[str, str] = {}
    name_of: dict[str, str] = {}
    for path, entry in found:
        pair = _pair(entry)
        if pair is None:
            continue
        name, uri = pair
        if uri_of.setdefault(name, uri) != uri:
            message = f"the asset `{name}` has the URI `{uri_of[name]}` above"
        elif name_of.setdefault(uri, name) != name:
            message = f"the URI `{uri}` belongs to the asset `{name_of[uri]}` above"
        else:
            continue
        yield subject.finding(
            Code.ASSET_CONFLICT, path, message, help="write name and URI of an asset the same everywhere"
        )


def shared_words(subjects: Iterable[Subject]) -> set[str]:
    """The names and URIs of the assets of some files: another file that means one of them holds it."""
    pairs = (_pair(entry) for subject in subjects for _, entry in entries(subject))
    return {word for pair in pairs if pair is not None for word in pair}


def across(subjects: Iterable[Subject]) -> Iterator[Diagnostic]:
    """The same between files: a finding at each place, which names another file's."""
    subjects = list(subjects)
    yield from _circles(subjects)
    places: dict[tuple[str, str], dict[str, _Place]] = {}
    for subject in subjects:
        for path, entry in entries(subject):
            pair = _pair(entry)
            if pair is not None and not any("${" in one for one in pair):
                file, _, span = subject.value_span(path)
                places.setdefault(pair, {}).setdefault(file, _Place(subject, path, Related(file, span, "")))
    yield from _slashes(places)
    for what, one, other in (("name", 0, 1), ("URI", 1, 0)):
        alike: dict[str, list[tuple[str, str]]] = {}
        for pair in places:
            alike.setdefault(pair[one], []).append(pair)
        for shared, pairs in alike.items():
            for pair in pairs if len(pairs) > 1 else ():
                others = [(p[other], place) for p in pairs if p != pair for place in places[p].values()]
                for file, place in places[pair].items():
                    elsewhere = next(((word, at) for word, at in others if at.related.file != file), None)
                    if elsewhere is not None:
                        yield _between(place, what, shared, *elsewhere)


def _slashes(places: Mapping[tuple[str, str], Mapping[str, _Place]]) -> Iterator[Diagnostic]:
    """`s3://shop/orders` beside `s3://shop/orders/`: two assets, of which one is never updated."""
    by_start: dict[str, dict[str, _Place]] = {}
    for (_, uri), of_files in places.items():
        if "://" in uri:
            by_start.setdefault(uri.rstrip("/"), {}).setdefault(uri, next(iter(of_files.values())))
    for uris in by_start.values():
        for uri, place in uris.items() if len(uris) > 1 else ():
            other, where = next((other, where) for other, where in uris.items() if other != uri)
            at = f"{where.related.file}:{where.related.span.line}"
            message = f"`{uri}` and `{other}` in {at} are two assets"
            help_text, severity = "write the URI of an asset the same everywhere", Severity.WARNING
            yield place.subject.finding(Code.ASSET_CONFLICT, place.path, message, help=help_text, severity=severity)


class _Place(NamedTuple):
    """Where an asset is written."""

    subject: Subject
    path: DataPath
    related: Related


def _between(place: _Place, what: str, shared: str, word: str, other: _Place) -> Diagnostic:
    at = f"{other.related.file}:{other.related.span.line}"
    says = (
        f"the asset `{shared}` has the URI `{word}`"
        if what == "name"
        else f"the URI `{shared}` belongs to the asset `{word}`"
    )
    found = place.subject.finding(
        Code.ASSET_CONFLICT,
        place.path,
        f"{says} in {at}",
        help="write name and URI of an asset the same everywhere",
    )
    return replace(found, related=(*found.related, other.related._replace(message=f"{says} here")))


def _pair(entry: Any) -> tuple[str, str] | None:
    """Name and URI of an asset; each is the default of the other."""
    if isinstance(entry, str):
        return entry, entry
    if not isinstance(entry, dict) or "alias" in entry:
        return None
    name, uri = entry.get("name"), entry.get("uri")
    if not all(isinstance(one, str | None) for one in (name, uri)) or (name is None and uri is None):
        return None
    return name or str(uri), uri or str(name)


def _mappers(subject: Subject, found: list[tuple[DataPath, Any]]) -> Iterator[Diagnostic]:
    schedule = subject.data.get("schedule")
    written = schedule.get("partition_mapper_config") if isinstance(schedule, dict) else None
    if not isinstance(written, dict):
        return
    pairs = [_pair(entry) for path, entry in found if path[0] == "schedule"]
    known = tuple(dict.fromkeys(name for pair in pairs if pair is not None for name in pair))
    for name in written:
        if name not in known:
            yield subject.finding(
                Code.BAD_ASSET,
                ("schedule", "partition_mapper_config", name),
                f"`{name}` is not an asset of the schedule",
                at_key=True,
                caret=meant(name, known),
                allowed=known,
            )


def check_loop(subject: Subject) -> Iterator[Diagnostic]:
    """An asset that starts the pipeline which updates it."""
    schedule = subject.data.get("schedule")
    if not isinstance(schedule, dict) or "assets" not in schedule:
        return
    named = {(path[0], _name(entry)): path for path, entry in entries(subject) if path[0] == "schedule"}
    starts = {name for _, name in named if name is not None}
    for path, entry in entries(subject):
        if "outlets" in path and _name(entry) in starts:
            message = f"this pipeline starts when `{_name(entry)}` is updated, and updates it itself"
            yield subject.finding(Code.ASSET_LOOP, path, message, help="remove it from `outlets` or from `schedule`")


def _circles(subjects: Sequence[Subject]) -> Iterator[Diagnostic]:
    """Pipelines whose assets start each other."""
    started: dict[str, list[str]] = {}
    updates: dict[str, list[tuple[Subject, DataPath, str]]] = {}
    for subject in subjects:
        own = dag_id_of(subject.path, subject.data.get("dag_id"))
        for path, entry in entries(subject) if isinstance(subject.data.get("schedule"), dict) else ():
            name = _name(entry)
            if name is not None and path[0] == "schedule":
                started.setdefault(name, []).append(own)
            elif name is not None and "outlets" in path:
                updates.setdefault(own, []).append((subject, path, name))
    edges = {
        own: {other for _, _, name in places for other in started.get(name, ()) if other != own and other in updates}
        for own, places in updates.items()
    }
    for circle in ways_around(edges):
        for index, (own, following) in enumerate(zip(circle, [*circle[1:], circle[0]], strict=True)):
            via = " → ".join(f"`{one}`" for one in (*circle[index:], *circle[: index + 1]))
            message = f"these pipelines start each other without end, by assets: {via}"
            found = ((subject, path) for subject, path, name in updates[own] if following in started.get(name, ()))
            subject, path = next(found)
            yield subject.finding(Code.ASSET_LOOP, path, message, help="remove it from `outlets` or from a `schedule`")


def _name(entry: object) -> str | None:
    if isinstance(entry, dict):
        name = entry.get("name") or entry.get("uri")
        return name if isinstance(name, str) else None
    return entry if isinstance(entry, str) else None
