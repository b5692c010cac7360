"""The JSON Schema against lint: `jsonschema` judges on its own what the models judge."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from jsonschema.protocols import Validator

from schemas.check import Checker, CheckOptions
from schemas.expressions.reading import (
    ENVIRONMENT,
    ENVIRONMENT_OR_VALUE,
    TASK_OUTPUT,
    VALUE,
    EnvReference,
    NearMiss,
    ValueReference,
    expressions,
    task_reference,
)
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.model.settings import TaskSettings
from tests.schemas.published.committed import committed
from tests.schemas.published.json_schema_documents import (
    KEYS,
    KINDS,
    MADE_NULL,
    OF_KNOWN_KINDS,
    SETTINGS,
    THOROUGH,
    TOP,
    VALID,
    VALUES,
)
from tests.schemas.published.reach import IN_REACH


class Lint:
    """Lint of documents beside a module with a function of any arguments."""

    def __init__(self, folder: Path) -> None:
        (folder / "steps.py").write_text("def work(**values):\n    return values\n\nclass Wrong(Exception): ...\n")
        self._folder = folder
        self._checker = Checker(folder, CheckOptions(environ={}, every_environment=True))

    def findings(self, document: Any, environ: dict[str, str] | None = None) -> list[Diagnostic]:
        checker = Checker(self._folder, CheckOptions(environ=environ)) if environ else self._checker
        return list(checker.text(json.dumps(document, ensure_ascii=False), "orders.yaml").diagnostics)


@pytest.fixture(scope="module")
def lint(tmp_path_factory: pytest.TempPathFactory) -> Lint:
    return Lint(tmp_path_factory.mktemp("pipelines"))


@pytest.fixture(scope="module")
def judge() -> Validator:
    return Draft7Validator(committed("pipeline"))


def disagreement(lint: Lint, judge: Validator, document: Any) -> str | None:
    """A finding in reach ⇒ the document does not fit; it does not fit ⇒ lint has an error."""
    findings = lint.findings(document)
    fits = judge.is_valid(document)
    if fits and any(finding.code in IN_REACH for finding in findings):
        return f"only lint objects: {[(f.code.id, f.message) for f in findings]}"
    if not fits and not any(finding.severity is Severity.ERROR for finding in findings):
        return f"only the JSON Schema objects: {[e.message[:200] for e in judge.iter_errors(document)]}"
    return None


def paths(value: Any, path: DataPath = ()) -> Iterator[DataPath]:
    """The path of every value inside a value."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from paths(child, (*path, key))


def parent_of(document: Any, path: DataPath) -> Any:
    for element in path[:-1]:
        document = document[element]
    return document


def is_free(path: DataPath) -> bool:
    """Inside a value of any shape, where nothing can be wrong, or which is wrong only where it is put."""
    if path[0] in ("vars", "matrix") and len(path) > 1:
        return True
    return any(key in ("json", "executor_config", "$object") for key in path[:-1])


def with_value(document: Any, path: DataPath, value: Any) -> Any:
    changed = copy.deepcopy(document)
    parent_of(changed, path)[path[-1]] = copy.deepcopy(value)
    return changed


@pytest.mark.parametrize("document", VALID.values(), ids=VALID)
def test_valid_documents_fit(lint: Lint, judge: Validator, document: Any) -> None:
    assert [(f.code.id, f.message) for f in lint.findings(document)] == []
    assert [error.message for error in judge.iter_errors(document)] == []


def test_the_valid_documents_hold_every_setting() -> None:
    assert SETTINGS.keys() == TaskSettings.model_fields.keys()
    assert TOP.keys() | VALID["composed"].keys() == committed("pipeline")["properties"].keys()


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({}, Code.MISSING_KEY),
        (None, Code.EMPTY_FILE),
        ([], Code.WRONG_TYPE),
        ({"poll": None, "tasks": None}, Code.MISSING_KEY),
        ({"tasks": []}, Code.WRONG_VALUE),
        ({"poll": {}}, Code.MISSING_KEY),
        ({"poll": {"url": ""}}, Code.WRONG_VALUE),
        ({"poll": {"url": "x", "metod": "GET"}}, Code.UNKNOWN_KEY),
        ({"poll": {"url": "x", "retries": "3"}}, Code.WRONG_TYPE),
        ({"poll": {"url": "x", "retries": True}}, Code.WRONG_TYPE),
        ({"poll": {"url": "x", "retries": -1}}, Code.WRONG_VALUE),
        ({"poll": {"url": "x", "retries": 2**31}}, Code.WRONG_VALUE),
        ({"poll": {"url": "x", "timeout": "0s"}}, Code.WRONG_VALUE),
        ({"poll": {"url": "x", "timeout": 30}}, Code.WRONG_TYPE),
        ({"poll": {"url": "x", "headers": {"A": 1}}}, Code.WRONG_TYPE),
        ({"poll": {"url": "x", "headers": "text"}}, Code.WRONG_TYPE),
        ({"poll": {"url": "x"}, "$x": 1}, Code.RESERVED_KEY),
        ({"poll": {"url": "x"}, "owner_links": {"a": "javascript://x"}}, Code.WRONG_VALUE),
        ({"poll": {"url": "x"}, "schedule": {"every": "0s"}}, Code.WRONG_VALUE),
        ({"poll": {"url": "x"}, "schedule": {"every": "5m", "timezone": "UTC"}}, Code.CONFLICTING_KEYS),
        ({"poll": {"url": "x"}, "schedule": {"timezone": "UTC"}}, Code.MISSING_KEY),
        ({"poll": {"url": "x"}, "schedule": "@continuous", "max_active_runs": 2}, Code.WRONG_VALUE),
        ({"tasks": [{"id": "a"}]}, Code.MISSING_KEY),
        ({"tasks": [{"uses": "empty"}]}, Code.MISSING_KEY),
        ({"tasks": [{"id": "a.b", "uses": "empty"}]}, Code.WRONG_VALUE),
        ({"tasks": [{"id": "a", "uses": "http"}]}, Code.MISSING_KEY),
        ({"tasks": [{"id": "a", "uses": "empty", "with": {"x": 1}}]}, Code.UNKNOWN_KEY),
        ({"tasks": [{"id": "a", "uses": "steps.work", "with": {"$x": 1, "y": 2}}]}, Code.RESERVED_KEY),
        ({"tasks": [{"id": "a", "uses": "empty", "needs": None}]}, Code.WRONG_TYPE),
        ({"tasks": [{"id": "a", "uses": "empty", "needs": "${env.A}"}]}, Code.EXPRESSION_NOT_ALLOWED),
        ({"tasks": [{"id": "a", "uses": "${env.A}"}]}, Code.EXPRESSION_NOT_ALLOWED),
        ({"tasks": [{"id": "${env.A}", "uses": "empty"}]}, Code.EXPRESSION_NOT_ALLOWED),
        ({"dag_id": "${env.A}", "poll": {"url": "x"}}, Code.EXPRESSION_NOT_ALLOWED),
        ({"schedule": "${env.A}", "poll": {"url": "x"}}, Code.EXPRESSION_NOT_ALLOWED),
        ({"schedule": {"cron": "${env.A}"}, "poll": {"url": "x"}}, Code.EXPRESSION_NOT_ALLOWED),
        ({"tasks": [{"id": "a", "uses": "htpp"}]}, Code.UNKNOWN_USES),
    ],
)
def test_wrong_documents_do_not_fit(lint: Lint, judge: Validator, document: Any, code: Code) -> None:
    assert code in [finding.code for finding in lint.findings(document)]
    assert not judge.is_valid(document)


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
@pytest.mark.parametrize("key", ["retry_exponential_backoff", "json", "params", "executor_config"])
def test_numbers_that_are_none_are_refused(tmp_path: Path, number: float, key: str) -> None:
    value = {"a": number} if key in ("params", "executor_config") else number
    written = json.dumps(value).replace("Infinity", "1e400").replace("NaN", ".nan")
    result = Checker(tmp_path).text(f'poll: {{url: "http://x", {key}: {written}}}', "orders.yaml")
    assert [d.code for d in result.diagnostics] == [Code.WRONG_VALUE]


def places() -> Iterator[tuple[Any, DataPath, list[Any]]]:
    """Each path of each valid document, and the values to be put there."""
    for name, document in VALID.items():
        for path in paths(document):
            if not is_free(path):
                in_short = name in OF_KNOWN_KINDS or path[-1] in SETTINGS.keys() - THOROUGH
                yield document, path, [v for v in (KINDS if in_short else VALUES) if (path[-1], v) not in MADE_NULL]


@pytest.mark.parametrize("most", [2, pytest.param(len(VALUES), marks=pytest.mark.soak)])
def test_agreement_on_values_in_every_place(lint: Lint, judge: Validator, most: int) -> None:
    """Some values in each place, others in the next; the soak puts all of them everywhere."""
    chance = random.Random(0)  # noqa: S311 # the same in each run
    chosen = [(document, path, chance.sample(all_, min(most, len(all_)))) for document, path, all_ in places()]
    assert sum(len(values) for _, _, values in chosen) > most * 300
    changes = [
        (path, value, with_value(document, path, value)) for document, path, values in chosen for value in values
    ]
    assert [(p, v, why) for p, v, changed in changes if (why := disagreement(lint, judge, changed))] == []


@pytest.mark.parametrize("document", VALID.values(), ids=VALID)
def test_agreement_without_each_key_and_with_strange_ones(lint: Lint, judge: Validator, document: Any) -> None:
    changes = []
    for path in paths(document):
        dropped = copy.deepcopy(document)
        value = parent_of(dropped, path).pop(path[-1])
        changes.append((path, "dropped", dropped))
        if isinstance(path[-1], str):
            changes.append((path, "renamed", with_value(dropped, (*path[:-1], "x"), value)))
    mappings = {path[:-1] for path in paths(document) if isinstance(path[-1], str)}
    changes += [(path, key, with_value(document, (*path, key), "x")) for path in mappings for key in KEYS]
    assert [(p, what, why) for p, what, changed in changes if (why := disagreement(lint, judge, changed))] == []


ANYTHING = st.recursive(
    st.sampled_from([v for v in VALUES if not isinstance(v, dict | list)]) | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=2),
    max_leaves=4,
)


@settings(derandomize=True, max_examples=120)
@given(data=st.data())
def test_agreement_on_made_documents(lint: Lint, judge: Validator, data: st.DataObject) -> None:
    document = copy.deepcopy(data.draw(st.sampled_from(list(VALID.values()))))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from([p for p in paths(document) if not is_free(p)] or [("x",)]))
        document = with_value(document, path, data.draw(ANYTHING))
    assert disagreement(lint, judge, document) is None


def test_an_expression_fits_every_typed_place_where_its_value_does(lint: Lint, judge: Validator) -> None:
    for key, value in SETTINGS.items():
        if isinstance(value, dict | list) or key.startswith("doc"):
            continue
        document = {"poll": {"url": "http://x", key: "${env.VALUE}"}}
        assert judge.is_valid(document), key
        text = str(value).lower() if isinstance(value, bool) else str(value)
        assert lint.findings(document, {"VALUE": text}) == [], key


@given(st.text("ab_-.:$ {}[]01'\"env.tasks.output.xcom", max_size=12))
@settings(derandomize=True, max_examples=200)
@example("$$")
@example("$")
def test_patterns_read_expressions_as_lint_does(inside: str) -> None:
    for text in (f"${{env.{inside}}}", f"x${{env.A{inside}}}", f"{inside}${{env.A}}", f"${{env.A:-{inside}}}"):
        found = [e for e in expressions(text) if not isinstance(e.meaning, NearMiss)]
        is_environment = any(isinstance(e.meaning, EnvReference) for e in found)
        fits = Draft7Validator({"pattern": ENVIRONMENT}).is_valid(text)
        assert (text, fits) == (text, is_environment)
        if is_environment or any(isinstance(e.meaning, ValueReference) for e in found):
            assert Draft7Validator({"pattern": ENVIRONMENT_OR_VALUE}).is_valid(text), text
    for text in (f"${{vars.{inside}}}", f"x${{matrix.a{inside}}}", f"{inside}${{vars.A}}"):
        if any(isinstance(e.meaning, ValueReference) for e in expressions(text)):
            assert Draft7Validator({"pattern": VALUE}).is_valid(text), text
    for text in (f"${{tasks.{inside}}}", f"${{tasks.a.{inside}}}", f"${{tasks.a.output{inside}}}"):
        if task_reference(text) is not None:
            assert Draft7Validator({"pattern": TASK_OUTPUT}).is_valid(text), text


@pytest.mark.parametrize("number", [3.0, 3])
def test_a_whole_number_may_be_written_with_a_point(lint: Lint, judge: Validator, number: float) -> None:
    document = {"poll": {"url": "http://x", "retries": number, "expect": {"status": number * 100}}}
    assert judge.is_valid(document)
    assert lint.findings(document) == []


def test_defaults_are_a_part_of_a_pipeline_but_closed_and_typed() -> None:
    judge = Draft7Validator(committed("defaults"))
    for part in ({}, {"tags": ["a"]}, {"default_args": {"retries": 2}}, {"poll": {"timeout": "5s"}}):
        assert judge.is_valid(part), part
    assert judge.is_valid({"tasks": [{"id": "ask", "with": {"url": "http://x"}}, {"id": "a", "uses": "http"}]})
    assert all(judge.is_valid({k: v for k, v in d.items() if k != "dag_id"}) for d in VALID.values())
    for part in (
        {"retrys": 1},
        {"dag_id": "orders"},
        {"poll": {"timeout": 5}},
        {"tasks": [{"uses": "http", "with": {"metod": "GET"}}]},
    ):
        assert not judge.is_valid(part), part
    assert not judge.is_valid({"schedule": {"timezone": "UTC"}}), "a schedule is taken as a whole"
