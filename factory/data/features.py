"""Columns as a model takes them: numbers, booleans and categories; and what of new rows the model has not learned."""

from __future__ import annotations

import importlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from factory.data import imported
from factory.data.columns import ColumnType
from factory.data.forms import INTEGER
from factory.data.values import NUMBER_TEXT, MisfitError, fitted
from factory.reporters.text import counted
from schemas.compose.env_values import names_secret

NUMBER, BOOLEAN, CATEGORY = "number", "boolean", "category"
_NO_VALUE = "(none)"
"""The category of rows without a value."""
_BOOLEAN = ColumnType("bool")
_FEW, _LONGEST, _MOST_DISTINCT = 3, 40, 1_000
_ENOUGH = 10
"""Rows from which on it says something that each has a category of its own."""

Row = Mapping[str, Any]
Say = Callable[[str], None]


class ModelError(Exception):
    """A model that cannot be trained, stored or used; the text says why."""


@dataclass(slots=True)
class Unknown:
    """What of the rows a model has not learned: how many values of each column, and which ones. `notes` are about the
    model itself."""

    counts: dict[str, int] = field(default_factory=dict)
    found: dict[str, Counter[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, kind: str, values: Sequence[Any], learned: Sequence[Any], known: Set[str] | None) -> None:
        """Count what the model has not learned of a column. `learned` are `values` as its steps take them; `known`:
        its categories, of a number None where there always was one. Raises ModelError where the type is another one."""
        if kind == NUMBER:
            new = [_NO_VALUE for number in learned if is_missing(number)] if known is None else []
        elif set(learned) <= (known or set()):
            return
        else:
            others = [(text, value) for text, value in zip(learned, values, strict=True) if text not in (known or ())]
            if kind == CATEGORY and any(isinstance(value, int | float) for _, value in others):
                raise ModelError(
                    f"`{name}` has numbers or booleans that the model was not trained with: give them the type that "
                    "they had then"
                )
            new = [text for text, _ in others]
        if new:
            self.counts[name] = self.counts.get(name, 0) + len(new)
            found = self.found.setdefault(name, Counter())
            found.update(text for text in new if text in found or len(found) < _MOST_DISTINCT)

    def said(self) -> Iterator[str]:
        """What is said of the model, and of each column."""
        yield from self.notes
        for name, count in self.counts.items():
            if list(self.found[name]) == [_NO_VALUE]:
                yield f"`{name}` has no value in {counted(count, 'row')}, and had one wherever the model learned"
                continue
            such = _such(name, self.found[name])
            yield f"`{name}` has {counted(count, 'value')}{such} that the model was not trained with: it ignores them"


def plain(value: Any, name: str) -> Any:
    """A value as a number, a boolean or text. Raises ModelError."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict | list):
        raise ModelError(f"`{name}` has nested values, which cannot be learned from: choose other `features`")
    return value.isoformat() if hasattr(value, "isoformat") else value


def kind_of(values: Iterable[Any], name: str, say: Say, *, reads_texts: bool = False) -> str:
    """What a column of plain values is. `reads_texts`: a text that is a number means it, as in CSV, where all is text.

    `say` is told where numbers become categories: few of them come again, so a model can learn nothing from them.
    """
    given = [value for value in values if value is not None]
    texts = [value for value in given if isinstance(value, str)]
    booleans = sum(isinstance(value, bool) for value in given)
    numbers = sum(isinstance(value, int | float) for value in given) - booleans
    written = [text for text in texts if _is_number(text)]
    # Beside numbers, a text is a decimal with more digits than a number of JSON keeps.
    if numbers + len(written) == len(given) and (numbers or reads_texts or not given):
        return NUMBER
    if booleans + (sum(text in ("true", "false") for text in texts) if reads_texts else 0) == len(given):
        return BOOLEAN
    kinds = len({str if isinstance(value, str) else bool if isinstance(value, bool) else float for value in given})
    others = Counter(str(value) for value in given if not isinstance(value, int | float) and not _is_number(value))
    such = _such(name, others)
    if len(written) == len(given):
        say(
            f"`{name}` has its numbers as texts, and is learned as categories, one for each text. "
            f"Let them be numbers where they mean an amount: CAST({name} AS DOUBLE PRECISION) in `sql` or `duckdb`"
        )
    elif numbers or written or kinds > 1:
        say(
            f"`{name}` has {numbers + len(written):,} numbers and {len(given) - numbers - len(written):,} other "
            f"values{such}, and is learned as categories, one for each value"
        )
    elif len(given) >= _ENOUGH and len(set(map(str, given))) > len(given) / 2:
        say(
            f"`{name}` is learned as categories, and most of its {len(given):,} values are there once: "
            "a model learns nothing from them. Leave it out of `features`, or make numbers of it"
        )
    return CATEGORY


def number_of(value: Any) -> int | float | None:
    """The number that a plain value is, or that a text means; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if not isinstance(value, str):
        return value
    if not _is_number(value):
        return None
    return int(value) if INTEGER.fullmatch(value) else float(value)


def boolean_of(value: Any) -> bool | None:
    """The boolean that a plain value is: `true`, `false`, 1 and 0 too, as `load` takes them; None where it is none."""
    try:
        taken: bool = fitted(value, _BOOLEAN)
    except MisfitError:
        return None
    return taken


def as_learned(values: Sequence[Any], kind: str, name: str) -> list[Any]:
    """Plain values as the model's steps take them: NaN for numbers that are missing, else text. Raises ModelError."""
    if kind == NUMBER:
        numbers = [math.nan if value is None else number_of(value) for value in values]
        try:
            learned = [float(number) for number in numbers]  # type: ignore[arg-type] # None is the error
        except (TypeError, OverflowError):
            raise ModelError(
                f"`{name}` has values that are no numbers, and the model was trained with numbers"
            ) from None
        if any(map(math.isinf, learned)):
            raise ModelError(f"`{name}` has an infinite number, which no model takes: leave such rows out")
        return learned
    if kind == BOOLEAN:
        booleans = [None if value is None else boolean_of(value) for value in values]
        if any(one is None and value is not None for one, value in zip(booleans, values, strict=True)):
            raise ModelError(f"`{name}` has values other than true and false, with which the model was trained")
        values = booleans
    return [_NO_VALUE if value is None else str(value) for value in values]


def is_missing(value: Any) -> bool:
    """Whether a plain value is none."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def answers_of(values: Sequence[Any], target: str, say: Say, reads_texts: bool) -> list[Any]:
    """Plain values as the model learns to answer them."""
    kind = kind_of(values, target, say, reads_texts=reads_texts)
    if kind == CATEGORY:
        return list(map(str, values))  # as NumPy would make of texts and numbers
    return [(number_of if kind == NUMBER else boolean_of)(value) for value in values]


def frame(table: Mapping[str, Sequence[Any]], kinds: Mapping[str, str]) -> Any:
    """The columns as scikit-learn takes them."""
    pandas = imported("pandas", task="train", extra="ml")
    types = {NUMBER: float, BOOLEAN: object, CATEGORY: object}
    return pandas.DataFrame({name: pandas.Series(values, dtype=types[kinds[name]]) for name, values in table.items()})


def with_encoding(estimator: Any, kinds: Mapping[str, str]) -> Any:
    """Missing numbers become the median, and each category a column; both are part of what is stored."""
    compose = importlib.import_module("sklearn.compose")
    impute = importlib.import_module("sklearn.impute")
    pipeline = importlib.import_module("sklearn.pipeline")
    preprocessing = importlib.import_module("sklearn.preprocessing")
    filled = impute.SimpleImputer(strategy="median", keep_empty_features=True)
    encoder = preprocessing.OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    steps = [
        ("numbers", filled, [name for name, kind in kinds.items() if kind == NUMBER]),
        ("categories", encoder, [name for name, kind in kinds.items() if kind != NUMBER]),
    ]
    columns = compose.ColumnTransformer([step for step in steps if step[2]])
    return pipeline.Pipeline([("columns", columns), ("estimator", estimator)])


def categories_of(whole: Any) -> dict[str, set[str]]:
    """Those that a model has learned, of each column."""
    encoder = whole.named_steps["columns"].named_transformers_.get("categories")
    if encoder is None:
        return {}
    return {name: set(known) for name, known in zip(encoder.feature_names_in_, encoder.categories_, strict=True)}


def _is_number(text: Any) -> bool:
    if not isinstance(text, str):
        return False
    return NUMBER_TEXT.fullmatch(text) is not None and "inf" not in text


def _such(name: str, texts: Counter[str]) -> str:
    """The most frequent values, for a message. One that only a single row has is no category, but a part of a row, and
    no log shows rows."""
    shown = [text for text, count in texts.most_common(_FEW) if count > 1 and not names_secret(name)]
    words = ["no value" if text == _NO_VALUE else repr(_short(text)) for text in shown]
    return f" (such as {', '.join(words)})" if words else ""


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
