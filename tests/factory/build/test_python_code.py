"""Text as Python."""

from __future__ import annotations

import ast

import pytest

from factory.build.python_code import formatted, quoted


@pytest.mark.parametrize("end", ['"', '""', '"""', '\\"', '"""""', "x"])
def test_a_block_of_text_may_end_in_quotes(end: str) -> None:
    text = f'echo "start"\necho """{end}'

    assert ast.literal_eval(quoted(text)) == text
    assert ast.literal_eval(formatted([(f'{text}"', False), ('"', False)])[1:]) == f'{text}""'
    ast.parse(formatted([(text, False), ("1 + 1", True), (text, False)]))
