"""Rows → a model with scikit-learn's interface, stored by skops and never by pickle; a stored model and rows → rows."""

from __future__ import annotations

import hashlib
import importlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import chain, islice
from types import MappingProxyType
from typing import Any

from factory.data.features import (
    NUMBER,
    ModelError,
    Row,
    Say,
    Unknown,
    answers_of,
    as_learned,
    categories_of,
    frame,
    is_missing,
    kind_of,
    plain,
    with_encoding,
)
from factory.data.stored_models import loaded, one_line, skops, stored
from schemas.findings.suggestions import meant

_ROWS_AT_ONCE = 20_000
_SKLEARN = "scikit-learn"
_LIBRARIES = (_SKLEARN, "skops", "numpy", "pandas", "scipy")
_METRICS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"classifier": ("accuracy",), "regressor": ("r2", "neg_mean_absolute_error")}
)


@dataclass(frozen=True, slots=True)
class Training:
    """What is trained, in the words of the task's keys."""

    target: str
    estimator: str
    arguments: Mapping[str, Any]
    features: Sequence[str] | None = None
    test_size: float = 0.2
    random_state: int = 0
    metrics: Sequence[str] | None = None


def train(
    rows: Sequence[Row], training: Training, to: str, run: Mapping[str, str], say: Say, *, is_csv: bool = False
) -> dict[str, Any]:
    """Train a model and store it in the folder `to`; return its metrics and the folder. `say` is told what looks wrong.

    Raises ModelError, RowFileError.
    """
    skops("train")
    if not rows:
        raise ModelError("there are no rows, so there is nothing to learn from")
    features = list(training.features or [name for name in _names(rows) if name != training.target])
    _there(rows, [training.target])
    given = [plain(row.get(training.target), training.target) for row in rows]
    known = [row for row, answer in zip(rows, given, strict=True) if not is_missing(answer)]
    if len(known) < 2:
        raise ModelError(f"there are {len(known)} rows with a value in `{training.target}`: too few to learn from")
    if without := len(rows) - len(known):
        say(f"{without:,} of {len(rows):,} rows have no value in `{training.target}`, and are left out")
    columns = {name: [plain(row.get(name), name) for row in known] for name in _there(known, features)}
    for name in (name for name, values in columns.items() if all(map(is_missing, values))):
        say(f"`{name}` has no value in any row: a model learns nothing from it")
    kinds = {name: kind_of(values, name, say, reads_texts=is_csv) for name, values in columns.items()}
    estimator = _estimator(training)
    reads_texts = is_csv or _purpose(estimator) == "regressor"
    answers = answers_of([one for one in given if not is_missing(one)], training.target, say, reads_texts)
    if _purpose(estimator) == "regressor" and isinstance(answers[0], str):
        raise ModelError(
            f"`{training.target}` has values that are no numbers, and a regressor learns numbers: take a classifier, "
            "or leave such rows out"
        )
    if len(set(answers)) == 1:
        say(f"`{training.target}` has one value in all rows: the model will answer nothing else")
    table = {name: as_learned(values, kinds[name], name) for name, values in columns.items()}
    model_selection = importlib.import_module("sklearn.model_selection")
    metrics = importlib.import_module("sklearn.metrics")
    scorers = metrics.get_scorer_names()
    if (odd := next((one for one in training.metrics or () if one not in scorers), None)) is not None:
        raise ModelError(", ".join(filter(None, (f"scikit-learn has no metric `{odd}`", meant(odd, scorers)))))
    try:
        learned, tested, learned_answers, tested_answers = model_selection.train_test_split(
            frame(table, kinds), answers, test_size=training.test_size, random_state=training.random_state
        )
        whole = with_encoding(estimator, kinds)
        whole.fit(learned, learned_answers)
    except (ValueError, TypeError) as error:
        raise ModelError(one_line(error)) from None
    measured = {
        name: _figure(name, metrics.get_scorer(name), whole, tested, tested_answers)
        for name in training.metrics or _METRICS.get(_purpose(estimator), ())
    }
    facts = {
        "estimator": training.estimator,
        "with": dict(training.arguments),
        "target": training.target,
        "features": kinds,
        "without_value": {name: sum(map(is_missing, values)) for name, values in columns.items()},
        "metrics": measured,
        "rows": {"learned": len(learned), "tested": len(tested), "without_target": len(rows) - len(known)},
        "data": _fingerprint(rows, [*features, training.target]),
        "versions": {name: found for name in _LIBRARIES if (found := _version(name)) is not None},
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "run": dict(run),
    }
    return {"model": stored(whole, facts, to, say), "metrics": measured, "rows": len(known)}


def predict(
    rows: Iterator[Row], model: str, column: str, trusted: Sequence[str], unknown: Unknown
) -> Iterator[dict[str, Any]]:
    """The rows with a prediction each; `unknown` takes what the model has not learned.

    Raises ModelError, RowFileError.
    """
    whole, facts = loaded(model, trusted)
    before, now = (
        one and ".".join(one.split(".")[:2]) for one in (facts["versions"].get(_SKLEARN), _version(_SKLEARN))
    )
    if before != now:
        unknown.notes.append(f"the model was trained with {_SKLEARN} {before}, and here is {now}: train it anew")
    kinds = facts["features"]
    known = categories_of(whole)
    known |= {name: set() for name, count in facts.get("without_value", {}).items() if count and kinds[name] == NUMBER}
    while some := list(islice(rows, _ROWS_AT_ONCE)):
        table = {}
        for name in _there(some, kinds):
            values = [plain(row.get(name), name) for row in some]
            table[name] = as_learned(values, kinds[name], name)
            unknown.add(name, kinds[name], values, table[name], known.get(name))
        try:
            answers = whole.predict(frame(table, kinds))
        except (ValueError, TypeError) as error:
            raise ModelError(one_line(error)) from None
        for row, answer in zip(some, answers, strict=True):
            yield {**row, column: answer.item() if hasattr(answer, "item") else answer}


def _names(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(rows)))


def _there(rows: Sequence[Row], names: Iterable[str]) -> list[str]:
    """The names, each of which a row has. Raises ModelError."""
    for name in names:
        if not any(name in row for row in rows):
            known = _names(rows)
            near = meant(name, known) or f"they have {', '.join(known)}"
            raise ModelError(f"the rows have no column `{name}`, which the model needs: {near}")
    return list(names)


def _estimator(training: Training) -> Any:
    module, _, name = training.estimator.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ModelError(f"`estimator: {training.estimator}` cannot be imported: {error}") from None
    lacking = [f"`{one}`" for one in ("fit", "predict", "get_params") if not hasattr(kind, one)]
    if lacking:
        raise ModelError(f"`estimator: {training.estimator}` is no estimator: it has no {', '.join(lacking)}")
    arguments = dict(training.arguments)
    try:
        if "random_state" in kind().get_params():
            arguments.setdefault("random_state", training.random_state)
        return kind(**arguments)
    except (TypeError, AttributeError) as error:
        raise ModelError(f"`estimator: {training.estimator}` refused it: {one_line(error)}") from None


def _purpose(estimator: Any) -> str:
    base = importlib.import_module("sklearn.base")
    return "classifier" if base.is_classifier(estimator) else "regressor" if base.is_regressor(estimator) else ""


def _figure(name: str, metric: Any, whole: Any, tested: Any, answers: Any) -> float | None:
    """What a metric says of a model; None where that is no number. Raises ModelError."""
    try:
        number = float(metric(whole, tested, answers))
    except (ValueError, TypeError) as error:
        text = one_line(error)
        is_binary = "pos_label" in text or "average='binary'" in text
        hint = f": it is for an answer of 0 and 1; write `{name}_macro` or `{name}_weighted`" if is_binary else ""
        raise ModelError(f"the metric `{name}` cannot be told: {text}{hint}") from None
    return number if math.isfinite(number) else None


def _fingerprint(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Changes with any value of any row that was learned from."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps([row.get(name) for name in columns], default=str).encode())
    return digest.hexdigest()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
