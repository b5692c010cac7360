"""A stub is valid Python whatever the YAML and its name are, and shows the YAML."""

from __future__ import annotations

import ast
import sys
import types
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from factory.bundle.stubs import MAX_SHOWN_BYTES, StubWriter, error_stub_text

Calls = list[tuple[object, ...]]
WRITER = StubWriter(loader="recording_loader", project="1.0")


def run(stub: bytes, file: str) -> tuple[dict[str, object], Calls]:
    """Execute a stub as Python would execute the file, and return its names and the calls of `load_stub`."""
    calls: Calls = []
    loader = types.ModuleType("recording_loader")
    loader.load_stub = lambda *args: calls.append(args[1:])  # type: ignore[attr-defined] # made up here
    sys.modules["recording_loader"] = loader
    names: dict[str, object] = {"__file__": file}
    try:
        exec(compile(stub, file, "exec"), names)  # noqa: S102 - running a stub is what is tested
    finally:
        del sys.modules["recording_loader"]
    return names, calls


@given(yaml=st.one_of(st.binary(), st.text().map(str.encode)))
@example(yaml=b"a: '''b'''\n")
@example(yaml=b"a: '''b'''\nc: \"\"\"d\"\"\"\n")
@example(yaml=b"ends with a backslash \\")
@example(yaml=b"ends with a quote '")
@example(yaml=b"nul \x00 lone \r cr crlf \r\n feed \x0c\n")
@example(yaml="\ufeffbom, 🦆 and \u2028\u0085\n".encode())
@example(yaml=b"\xff\xfe not UTF-8\n'''\n")
@example(yaml=b"# coding: latin-1\n")
@settings(max_examples=300)
def test_any_yaml_gives_a_stub_that_runs(yaml: bytes) -> None:
    stub = WRITER.text("sales/orders.yaml", yaml, "d1", ())
    names, calls = run(stub, "/bundle/sales/orders.yaml.py")
    assert calls == [("sales/orders.yaml", Path("/bundle"))]
    assert names["DIGEST"] == "d1"
    shown = ast.get_docstring(ast.parse(stub), clean=False)
    assert shown is None or shown.encode() == b"\n" + yaml


@pytest.mark.parametrize(
    "yaml", ["a: 1\n", "no newline", "it's\n", '"""\n', "'''\n", "form \x0c feed, 🦆\n", "tab\there \\n\n"]
)
def test_the_code_tab_shows_the_exact_text(yaml: str) -> None:
    stub = WRITER.text("a.yaml", yaml.encode(), "d1", ())
    assert ast.get_docstring(ast.parse(stub), clean=False) == "\n" + yaml


@given(
    name=st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1),
    folders=st.integers(0, 4),
)
@example(name="coding: latin-1", folders=0)
@example(name="-*- coding=utf-16 -*-", folders=0)
@example(name="a\nraise SystemExit\n", folders=1)
@example(name="'); raise SystemExit #", folders=0)
@settings(max_examples=200)
def test_any_name_gives_a_stub_that_runs(name: str, folders: int) -> None:
    path = "f/" * folders + name + ".yaml"
    stub = WRITER.text(path, b"a: 1\n", "d1", (("some.dag", path),))
    _, calls = run(stub, f"/bundle/{path}.py")
    assert calls == [(path, Path("/bundle"), (("some.dag", path),))]
    first_line = stub.splitlines()[0].lower()
    assert first_line.startswith(b"#")
    assert b"airflow" in first_line
    assert b"dag" in first_line
    with pytest.raises(ImportError) as caught:
        run(error_stub_text(path, "cannot be read"), "x.py")
    assert str(caught.value) == f"{path}: cannot be read"


def test_very_long_yaml_is_not_shown() -> None:
    stub = WRITER.text("a.yaml", b"x" * (MAX_SHOWN_BYTES + 1), "d1", ())
    assert len(stub) < 1000
    assert run(stub, "/bundle/a.yaml.py")[1] == [("a.yaml", Path("/bundle"))]


def test_the_digest_covers_every_dependency_its_absence_and_the_project() -> None:
    def digest(writer: StubWriter = WRITER, **tokens: str) -> str:
        return writer.digest({"a", "b"}, tokens)

    digests = [
        digest(a="1"),
        digest(a="1", b="2"),
        digest(a="1", b="3"),
        digest(a="2", b="1"),
        digest(StubWriter("recording_loader", "2.0"), a="1"),
    ]
    assert len(set(digests)) == len(digests)
    assert digest(a="1", c="9") == digests[0]


def test_what_stands_below_the_text_stays_a_comment() -> None:
    stub = WRITER.text("a.yaml", b"a: 1\n", "d1", (), "#! nul \x00 \r feed \x0c \u2028\n#= x: 1")
    assert run(stub, "/bundle/a.yaml.py")[1] == [("a.yaml", Path("/bundle"))]
    assert stub.splitlines()[-2:] == [rb"#! nul \x00 \r feed \x0c \u2028", b"#= x: 1"]
