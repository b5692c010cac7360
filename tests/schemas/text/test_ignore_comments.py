"""What can be ignored: it is what docs/lint.md says, and a pipeline is built in spite of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas.check import CheckOptions, check_file
from schemas.findings.codes import Code, Severity
from schemas.text.ignore_comments import IGNORABLE_ERRORS

DOCS = Path(__file__).parents[3] / "docs" / "lint.md"


def test_the_documentation_names_every_error_that_can_be_ignored() -> None:
    section = DOCS.read_text(encoding="utf-8").split("## Ignoring a finding")[1].split("\n## ")[0]
    slugs = {code.slug for code in Code}
    named = {word for word in re.findall(r"`([a-z-]+)`", section) if word in slugs}

    assert named == {code.slug for code in IGNORABLE_ERRORS}
    assert all(code.severity is Severity.ERROR for code in IGNORABLE_ERRORS)


@pytest.mark.parametrize(
    "text",
    [
        "tasks:\n  - {id: a, uses: no_such_module.f}  # factory: ignore[PF307] made when the image is built\n",
        "tasks:\n  # factory: ignore[unknown-module] made with the image\n  - {id: a, uses: no_such_module.f}\n",
        "poll:\n  url: https://shop.example/${env.X_TOKEN:-}  # factory: ignore[secret-variable] a page\n",
        "poll:\r\n  url: https://shop.example/${env.X_TOKEN:-}  # factory: ignore[secret-variable] a page\r\n",
    ],
)
def test_what_is_ignored_does_not_keep_a_pipeline_from_being_built(text: str, tmp_path: Path) -> None:
    (tmp_path / "orders.yaml").write_bytes(text.encode())
    ignored = check_file(tmp_path, "orders.yaml", CheckOptions(environ={}))
    (tmp_path / "orders.yaml").write_bytes(text.replace("factory:", "note:").encode())
    reported = check_file(tmp_path, "orders.yaml", CheckOptions(environ={}))

    assert (len(ignored.pipelines), ignored.diagnostics) == (1, ())
    assert not reported.pipelines
    assert len(reported.diagnostics) == 1


def test_an_unset_variable_is_an_error_where_it_has_to_be_set(tmp_path: Path) -> None:
    text = "poll:\n  url: ${env.NOWHERE}  # factory: ignore[PF318] set in production\n"
    (tmp_path / "orders.yaml").write_text(text)

    assert check_file(tmp_path, "orders.yaml", CheckOptions(environ={})).diagnostics == ()
    strict = check_file(tmp_path, "orders.yaml", CheckOptions(environ={}, require_environment=True))
    assert [(d.code.id, d.severity) for d in strict.diagnostics] == [("PF318", Severity.ERROR)]
