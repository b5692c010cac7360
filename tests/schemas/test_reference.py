"""The reference is what the models say."""

from __future__ import annotations

from schemas.field_texts import field_texts, models
from schemas.reference import FILE, reference


def test_the_committed_page_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == reference(), "run: python -m schemas.reference --write"


def test_every_key_is_explained() -> None:
    for name, model in models().items():
        unexplained = set(model.model_fields) - field_texts(model).keys()
        assert not unexplained, f"{name}: {unexplained}"
