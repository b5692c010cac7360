"""The reference is what the models say, and shows how each key is written."""

from __future__ import annotations

from schemas.check import check_folder
from schemas.model.task import CodeTask
from schemas.model.task_base import TaskBase
from schemas.published.reference import EXAMPLES, FILE, definer, examples, reference, tables
from schemas.published.texts import field_texts, models

LONGEST_EXAMPLE = 150
"""Characters: it is in a table."""

TABLES = tables()


def test_the_committed_page_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == reference(), "run: python -m schemas.published.reference --write"


def test_every_key_is_explained() -> None:
    for name, model in models().items():
        unexplained = set(model.model_fields) - field_texts(model).keys()
        assert not unexplained, f"{name}: {unexplained}"


def test_every_key_has_a_row() -> None:
    shown = {(definer(table.model, name), name) for table in TABLES for name, _ in table.fields()}

    for model in models().values():
        # What `uses` and `with` are for a built-in has a section of its own.
        alike = {"uses", "with_"} if issubclass(model, TaskBase) and model is not CodeTask else set()
        missing = {name for name in model.model_fields.keys() - alike if (definer(model, name), name) not in shown}
        assert not missing, f"{model.__name__}: give {missing} a section in schemas/published/reference.md"


def test_every_key_has_a_short_example() -> None:
    known = examples()

    for table in TABLES:
        for name, field in table.fields():
            example = known.get((definer(table.model, name), field.alias or name))
            assert example is not None, f"{table.model.__name__}: write `{field.alias or name}` in a file of {EXAMPLES}"
            assert len(example) <= LONGEST_EXAMPLE, f"{table.model.__name__}: write a shorter one than {example}"


def test_examples_have_no_findings() -> None:
    assert check_folder(EXAMPLES).diagnostics == ()
