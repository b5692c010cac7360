"""What pydantic finds wrong with the shape of effective data, in a user's words and at a document's path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from schemas.compose.effective import Effective
from schemas.compose.env_values import EnvText
from schemas.expressions.reading import run_reference
from schemas.findings.codes import Code
from schemas.findings.diagnostics import MOST, Diagnostic, Edit, Problem, Word, typo_fix
from schemas.findings.paths import DataPath, with_value
from schemas.findings.suggestions import meant, nearest
from schemas.model.fields import Model
from schemas.shape.places import is_tag, keys_at, mapping_at, name, place, value_at
from schemas.shape.unknown_keys import built_in_as_key, is_argument, keys_where, slips, undecided, unknown_key
from schemas.shape.wording import bound, described, expectation, literals, problem_text
from schemas.text.document import Document
from schemas.text.edits import fix_at


def problems_of_argument(
    arguments: type[Model], name: str, value: Any, path: DataPath, document: Effective
) -> Iterator[Problem]:
    """What is wrong with one argument of a task, at the path of a value for it outside of `with`.

    Of what the environment or another task gives nothing is said: neither is known yet.
    """
    if isinstance(value, EnvText) or run_reference(value) is not None:
        return
    try:
        arguments.model_validate({name: value})
    except ValidationError as error:
        by_path: dict[DataPath, list[ErrorDetails]] = {}
        for one in error.errors(include_url=False):
            if one["loc"][0] == name and not _is_about_key([one]):
                by_path.setdefault((*path, *document_path(one["loc"][1:], value)), []).append(one)
        found = (_problem(place, group, document, {}, {}) for place, group in by_path.items())
        yield from (problem for problem in found if problem is not None)


def shape_problems(errors: list[ErrorDetails], document: Effective) -> list[Problem]:
    by_path: dict[DataPath, list[ErrorDetails]] = {}
    for error in errors:
        path = document_path(error["loc"], document.data, missing=error["type"] == "missing")
        path = (*path, *error.get("ctx", {}).get("at", ()))
        by_path.setdefault(path, []).append(error)
    above = {path[:length] for path in by_path for length in range(len(path))}
    for path in above & by_path.keys():
        if not _is_about_key(by_path[path]):
            del by_path[path]  # a member of a union that did not fit; the one that nearly did says more
    unknown: dict[DataPath, dict[str, None]] = {}
    missing: dict[DataPath, dict[str, tuple[int | str, ...]]] = {}
    for path, group in by_path.items():
        if group[0]["type"] == "extra_forbidden":
            unknown.setdefault(path[:-1], {})[str(path[-1])] = None
        elif group[0]["type"] == "missing" and not undecided(path[:-1], group[0], document):
            missing.setdefault(path[:-1], {})[str(path[-1])] = group[0]["loc"]
    meant = {**_in_place_of_work(unknown.get((), {}), document.data), **slips(unknown, missing, document)}
    found = (_problem(path, group, document, unknown, meant) for path, group in by_path.items())
    problems = list(islice((problem for problem in found if problem is not None), MOST))
    # A misspelt key, or one that wrong indentation put into the mapping above, explains that it is missing.
    if not document.data.keys() & {"poll", "tasks"} and not any(
        word in ("poll", "tasks") or nearest(str(path[-1]), ("poll", "tasks"))
        for path, word in [
            *meant.items(),
            *(((*at, key), "") for at, keys in unknown.items() for key in islice(keys, MOST)),
        ]
    ):
        problems.append(nothing_to_do())
    return problems


def _in_place_of_work(unknown: Iterable[str], data: Mapping[str, Any]) -> dict[DataPath, str]:
    """The unknown key at the top that holds what `poll` or `tasks` would, where there is neither."""
    if data.keys() & {"poll", "tasks"}:
        return {}
    for key in islice(unknown, MOST):
        value = data[key]
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            return {(key,): "tasks"}
        if isinstance(value, dict) and "url" in value:
            return {(key,): "poll"}
    return {}


def with_scalars(errors: list[ErrorDetails], data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The data with text from the environment, where it is wrong, as the YAML scalar that it looks like."""
    for error in errors:
        path = document_path(error["loc"], data)
        value = value_at(data, path)
        if isinstance(value, EnvText) and value.whole:
            data = with_value(data, path, value.as_scalar())
    return data


def _is_about_key(group: list[ErrorDetails]) -> bool:
    return group[0]["type"] in ("extra_forbidden", "missing")


def nothing_to_do() -> Problem:
    return Problem(
        Code.MISSING_KEY,
        (),
        "the pipeline does nothing: `poll` or `tasks` is missing",
        allowed=("poll", "tasks"),
    )


def document_path(location: tuple[int | str, ...], data: Any, *, missing: bool = False) -> DataPath:
    """An error's location without what the document does not hold: discriminator tags, names of union members.

    `missing`: its last element is a key that is not there.
    """
    path: list[str | int] = []
    current: Any = data
    for position, element in enumerate(location):
        # A key of the document may look like a tag, as a placeholder that was left in does.
        if is_tag(element) and not (isinstance(current, dict) and element in current):
            continue
        is_there = (isinstance(current, dict) and element in current) or (
            isinstance(current, list) and isinstance(element, int) and element < len(current)
        )
        if is_there:
            current = current[element]
            path.append(element)
        elif missing and isinstance(current, dict) and position == len(location) - 1:
            path.append(element)
    return tuple(path)


def _problem(
    path: DataPath,
    group: list[ErrorDetails],
    document: Effective,
    unknown: Mapping[DataPath, Iterable[str]],
    meant: Mapping[DataPath, str],
) -> Problem | None:
    error = group[0]
    if error["type"] == "extra_forbidden":
        return unknown_key(path, error, document, meant.get(path))
    if error["type"] == "missing":
        return None if _is_explained(path, error, document, unknown, meant) else _missing(path, document)
    value = value_at(document.data, path)
    if isinstance(value, EnvText):
        return _does_not_fit(path, value, group, document)
    if run_reference(value) is not None:
        return None  # a rule says why a task's output is not allowed here
    if len(group) > 1:
        return _no_member_fits(path, group, document)
    text = problem_text(error, name(path, document))
    allowed = text.allowed or (keys_where(path, error, document) if error["type"] == "model_type" else ())
    return Problem(
        text.code,
        path,
        text.message,
        caret=text.caret,
        help=text.help,
        allowed=allowed,
        fix=text.fix,
    )


def _missing(path: DataPath, document: Effective) -> Problem:
    message = f"`{path[-1]}` is missing {place(path[:-1], document)}"
    return Problem(Code.MISSING_KEY, path[:-1], message, at_key=True)


def _is_explained(
    path: DataPath,
    error: ErrorDetails,
    document: Effective,
    unknown: Mapping[DataPath, Iterable[str]],
    meant: Mapping[DataPath, str],
) -> bool:
    """Whether a key is missing because of something that has a finding of its own."""
    mapping, key = path[:-1], path[-1]
    written = list(islice(unknown.get(mapping, ()), MOST))
    if any(meant.get((*mapping, word)) == key for word in written):
        return True
    if key == "uses" and any(
        built_in_as_key(word, (*mapping, word), mapping_at(document.data, mapping)) for word in written
    ):
        return True
    if key == "with":  # its arguments stand one level too high, or the task is meant as a group
        return "tasks" in written or any(is_argument(document, mapping, word) for word in written)
    return bool(written) and undecided(mapping, error, document)


def _does_not_fit(path: DataPath, value: EnvText, group: list[ErrorDetails], document: Effective) -> Problem:
    allowed = literals(group[0]) if len(group) == 1 else ()
    wanted = "one of those allowed" if allowed else ", or ".join(dict.fromkeys(expectation(error) for error in group))
    message = f"what `{value.expression}` gives does not fit {name(path, document)}, which must be {wanted}"
    return Problem(Code.VARIABLE_DOES_NOT_FIT, path, message, allowed=allowed)


def _no_member_fits(path: DataPath, group: list[ErrorDetails], document: Effective) -> Problem:
    limit = next((text for error in group if (text := bound(error)) is not None), None)
    if limit is not None:  # of the right type for one member, so the others are beside the point
        return Problem(Code.WRONG_VALUE, path, f"{name(path, document)} must be {limit}")
    wanted = list(dict.fromkeys(expectation(error) for error in group))
    if "a number" in wanted and "a whole number" in wanted:
        wanted.remove("a whole number")
    message = f"{name(path, document)} must be {', or '.join(wanted)}, not {described(group[0]['input'])}"
    return Problem(Code.WRONG_TYPE, path, message)


def model_findings(
    document: Document, errors: Iterable[ErrorDetails], root: type[Model], key: tuple[str, ...] = ()
) -> Iterator[Diagnostic]:
    """What is wrong with the shape of a document that `root` is the model of. `key`: it is the value of this key of
    the model."""
    seen: set[DataPath] = set()
    inside = [(*error["loc"][len(key) :], *error.get("ctx", {}).get("at", ())) for error in errors]
    placed = [(_path_in(document.data, location), error) for location, error in zip(inside, errors, strict=True)]
    slipped = {
        (*path[:-1], edit.text)
        for path, error in placed
        if error["type"] == "extra_forbidden" and (edit := _slip(root, error)) is not None
    }
    # What is wrong but for the type, there or inside, says which member of a union is meant.
    telling = {path[:end] for path, error in placed for end in range(len(path) + (not _is_of_type(error)))}
    for path, error in placed:
        is_other = path in telling and _is_of_type(error)
        if path in seen or is_other or (error["type"] == "missing" and (*path, error["loc"][-1]) in slipped):
            continue
        seen.add(path)
        if error["type"] == "extra_forbidden":
            *above, last = error["loc"]
            allowed = keys_at(root, tuple(above))
            caret, edit = meant(str(last), allowed), _slip(root, error)
            message = f"unknown key `{last}`"
            yield document_finding(document, Code.UNKNOWN_KEY, path, message, at_key=True, caret=caret, edit=edit)
        elif error["type"] == "missing":
            yield document_finding(document, Code.MISSING_KEY, path, f"`{error['loc'][-1]}` is missing")
        else:
            who = next((part for part in reversed(path) if isinstance(part, str)), "the file")
            text = problem_text(error, f"`{who}`")
            yield document_finding(document, text.code, path, text.message, caret=text.caret, edit=text.fix)


def _is_of_type(error: ErrorDetails) -> bool:
    return error["type"].endswith("_type")


def _slip(root: type[Model], error: ErrorDetails) -> Word | None:
    """The key that an unknown one is a slip of."""
    *above, last = error["loc"]
    return typo_fix(str(last), keys_at(root, tuple(above)))


def _path_in(data: Any, location: tuple[int | str, ...]) -> DataPath:
    """The part of an error's location that is a path of the document: members of unions are none."""
    path: DataPath = ()
    for element in location:
        if is_there(data, (*path, element)):
            path = (*path, element)
    return path


def is_there(data: Any, path: DataPath) -> bool:
    """Whether data has a value at a path."""
    for element in path:
        keys: Any = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
        if element not in keys:
            return False
        data = data[element]
    return True


def document_finding(
    document: Document,
    code: Code,
    path: DataPath,
    message: str,
    *,
    at_key: bool = False,
    caret: str = "",
    edit: Edit | None = None,
) -> Diagnostic:
    """A finding at a path of a document that is no pipeline, with the `edit` that fixes it."""
    span = document.key_span(path) if at_key else document.value_span(path)
    fix = fix_at(edit, document, path, span, at_key=at_key) if edit is not None else None
    return Diagnostic(code, message, document.file, span, caret=caret, fix=fix, text=document.text)
