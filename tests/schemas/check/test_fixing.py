"""Fixing: only what is unambiguous, nothing else is touched, and nothing gets worse."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.check import Checker, CheckOptions
from schemas.check.fixing import Repaired, repair
from schemas.findings.diagnostics import Diagnostic
from tests.case_files import CASES

OPTIONS = CheckOptions(environ={"SHOP_URL": "https://shop.example/"}, shown_folder="")

VALID = [
    path.read_bytes()
    for path in sorted((CASES / "valid").glob("*.yaml"))
    if not re.search(b"# (needs airflow|expect )", path.read_bytes()) and path.stat().st_size < 4000
]
KEY_OR_WORD = re.compile(rb"[a-zA-Z_]{4,}")


def fixed(folder: Path) -> Repaired:
    paths = {p.relative_to(folder).as_posix() for p in folder.rglob("*.y*ml")}
    return repair(folder, {path: path for path in sorted(paths)}, OPTIONS)


def mended_text(folder: Path, text: bytes) -> bytes:
    (folder / "orders.yaml").write_bytes(text)
    return fixed(folder).texts.get("orders.yaml", text)


def findings(folder: Path, texts: dict[str, bytes]) -> list[Diagnostic]:
    options = CheckOptions(environ=OPTIONS.environ, shown_folder="", texts=texts)
    return list(Checker(folder, options).folder().diagnostics)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("schedule: @daily  # nightly", 'schedule: "@daily"  # nightly'),
        ("schedule: @dayly", 'schedule: "@daily"'),
        ("schedule: */5 * * * *", 'schedule: "*/5 * * * *"'),
        ("schedule: '@dayly'", "schedule: '@daily'"),
        ("timezone:   Asia/Soul # here", "timezone:   Asia/Seoul # here"),
        ("catchup: yes", "catchup: true"),
        ('catchup: "False"', "catchup: false"),
        ('max_active_runs: "3"', "max_active_runs: 3"),
        ("description: 1.50", 'description: "1.50"'),
        ("tags: shop", "tags: [shop]"),
        ("tags: [a, 2]", 'tags: [a, "2"]'),
        ("catchupp: true", "catchup: true"),
        ("'catchupp': true", "'catchup': true"),
        ("CatchUp: true", "catchup: true"),
        ("schedule_interval: null", "schedule: null"),
        ("default_args: {retrys: 1, poool: x}", "default_args: {retries: 1, pool: x}"),
        ("default_args: {trigger_rule: all_sucess}", "default_args: {trigger_rule: all_success}"),
        ("params: {1: one}", 'params: {"1": one}'),
        ("vars: {day: {{ ds }}, url: ${env.SHOP_URL}}", 'vars: {day: "{{ ds }}", url: "${env.SHOP_URL}"}'),
        ("description: {% if a %}b, c{% endif %}", 'description: "{% if a %}b, c{% endif %}"'),
        ("vars: {day: {% if a %}b{% endif %}, url: a}", 'vars: {day: "{% if a %}b{% endif %}", url: a}'),
        ("vars:\n  a:1\n  list: &t\n    - b", "vars:\n  a: 1\n  list: &t\n    - b"),
        ("description: Note: slow", 'description: "Note: slow"'),
        ('description: `a "b"', "description: '`a \"b\"'"),
        ("description: ${ env.SHOP_URL }", 'description: "${env.SHOP_URL}"'),
        ("default_args: {retry_delay_sec: 300, retries: 1}", "default_args: {retry_delay: 300s, retries: 1}"),
        ("default_args:\n  retries: 1\n  provide_context: true # old", "default_args:\n  retries: 1\n # old"),
        ("default_args: {retries: 1, provide_context: true}", "default_args: {retries: 1}"),
        ("default_args: { provide_context: true , retries: 1 }", "default_args: { retries: 1 }"),
        ("default_args: {provide_context: true}", "default_args: {}"),
        ("default_args:\n  pool: a\n\u200b  owner: b\n  queue: c", "default_args:\n  pool: a\n  owner: b\n  queue: c"),
        (
            "default_args:\n  pool: a\n\u00a0\u00a0owner: b\n  queue: c",
            "default_args:\n  pool: a\n  owner: b\n  queue: c",
        ),
        ("default_args:\n  owner:\u200bb\n  queue: c", "default_args:\n  owner: b\n  queue: c"),
    ],
)
def test_what_is_mended(wrong: str, right: str, tmp_path: Path) -> None:
    poll = "\npoll: {url: https://shop.example/}\n"

    assert mended_text(tmp_path, (wrong + poll).encode()).decode() == right + poll
    assert findings(tmp_path, {"orders.yaml": (right + poll).encode()}) == []


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("cron: '@daily'", "another tool's word may mean something else"),
        ("schedule: 5", "in quotes it is no cron expression either"),
        ("schedule: '@weakly'", "two slips from one preset, but the text may mean another"),
        ("default_args: {method: x, pst: 1}", "no key is near"),
        ("max_active_runs: '010'", "ten or eight"),
        ("x-catchup: &on yes\ncatchup: *on", "the value is behind an alias"),
        ("catchup: &on yes", "the anchor would be lost"),
        ("catchup: 'y\\\n  es'", "it goes over two lines"),
        ("description: 'a' b", "where the quotes end is a guess"),
        ("max_active_run: 1\nmax_active_runs: 2", "the key that is meant is there"),
        ("tags: [{{ ds }}/x]", "the quotes would not hold all of it"),
        ("vars: {day: a {% if a %}b{% endif %}}", "the quotes would not hold all of it"),
        ("description: @shop\n  and more", "the quotes would not hold all of it"),
        ("@vars:\n  a: b", "it is a key and its value"),
        ("x-rows:\n- name: a, size: 1}", "a bracket is missing"),
        ("default_args: {retry_delay_sec: 300, retry_delay: 5m}", "which of both is meant"),
        ("default_args: {retry_delay_sec: &wait 300, retries: *wait}", "the anchor would be lost"),
        ("default_args: {provide_context: &asked true, depends_on_past: *asked}", "the anchor would be lost"),
    ],
)
def test_what_is_left_to_its_author(wrong: str, why: str, tmp_path: Path) -> None:
    text = f"{wrong}\npoll: {{url: https://shop.example/}}\n".encode()

    assert mended_text(tmp_path, text) == text, why


def test_tasks_needs_references_and_python(tmp_path: Path) -> None:
    (tmp_path / "shop_steps.py").write_text("def extract(limit):\n    return []\n\n\ndef load(rows): ...\n")
    wrong = (
        "tasks:\n  - {id: extract, uses: shop_steps.extrct, with: {limt: 1}}\n"
        "  - {id: load, uses: shop_step.load, with: {rows: '${tasks.extrat.output}'}, needs: [extracts]}\n"
        "  - {id: say, uses: bsh, with: {bash_comand: echo}}\n"
    )
    right = (
        "tasks:\n  - {id: extract, uses: shop_steps.extract, with: {limit: 1}}\n"
        "  - {id: load, uses: shop_steps.load, with: {rows: '${tasks.extract.output}'}, needs: [extract]}\n"
        "  - {id: say, uses: bash, with: {bash_command: echo}}\n"
    )

    assert mended_text(tmp_path, wrong.encode()).decode() == right


def test_no_reference_is_made_wrong(tmp_path: Path) -> None:
    text = "tasks:\n  - {id: load.orders, uses: empty}\n  - {id: b, uses: empty, needs: [load_orders]}\n"

    assert "needs: [load_orders]" in mended_text(tmp_path, text.encode()).decode()


def test_defaults_are_mended_once_for_all_their_files(tmp_path: Path) -> None:
    (tmp_path / "_defaults.yaml").write_text("catchup: yes\n")
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text("poll: {url: https://shop.example/, metod: GET}\n")
    result = fixed(tmp_path)

    assert result.fixed == 3
    assert result.texts["_defaults.yaml"] == b"catchup: true\n"
    assert findings(tmp_path, dict(result.texts)) == []


@pytest.mark.parametrize("case", sorted((CASES / "invalid").iterdir()), ids=lambda p: p.stem)
def test_no_wrong_file_gets_worse(case: Path, tmp_path: Path) -> None:
    for file in [case] if case.is_file() else [p for p in case.rglob("*") if p.is_file()]:
        place = tmp_path / (file.name if case.is_file() else file.relative_to(case))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read_bytes())
    holds(tmp_path)


def slipped(word: bytes, kind: str, at: int) -> bytes:
    at = 1 + at % (len(word) - 2)
    match kind:
        case "drop":
            return word[:at] + word[at + 1 :]
        case "double":
            return word[:at] + word[at : at + 1] + word[at:]
        case _:
            return word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :]


@settings(max_examples=25)
@given(
    text=st.sampled_from(VALID),
    where=st.integers(0, 10_000),
    kind=st.sampled_from(["drop", "double", "swap"]),
    at=st.integers(0, 100),
    windows=st.booleans(),
    mark=st.booleans(),
    cut=st.booleans(),
)
def test_a_slip_in_a_good_file(
    text: bytes, where: int, kind: str, at: int, *, windows: bool, mark: bool, cut: bool
) -> None:
    text = text.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    words = list(KEY_OR_WORD.finditer(text))
    word = words[where % len(words)]
    text = text[: word.start()] + slipped(word.group(), kind, at) + text[word.end() :]
    text = text.rstrip() if cut else text
    text = text.replace(b"\n", b"\r\n") if windows else text
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "orders.yaml").write_bytes((b"\xef\xbb\xbf" if mark else b"") + text)
        before = {d.message for d in findings(Path(folder), {})}
        holds(Path(folder))
        assert {d.message for d in findings(Path(folder), {})} <= before


def holds(folder: Path) -> None:
    """What is to hold of every fix: no more findings, other lines untouched, a second one does nothing."""
    before = findings(folder, {})
    result = fixed(folder)
    if not result.texts:
        assert result == Repaired({}, 0)
        return
    after = findings(folder, dict(result.texts))

    def unread(found: list[Diagnostic]) -> set[str]:
        return {d.file for d in found if d.code.id.startswith("PF0")}

    assert unread(after) <= unread(before)
    if not unread(before):
        assert len(after) <= len(before)
    for path, text in result.texts.items():
        old = (folder / path).read_bytes()
        edited = {d.fix.span.line for d in before if d.fix is not None and d.file == path}
        lines, new = old.split(b"\n"), text.split(b"\n")
        others, left = [line for number, line in enumerate(lines, 1) if number not in edited], iter(new)
        # An edited line of which nothing is left is removed.
        assert (all(line in left for line in others) and len(new) <= len(lines)) or path in unread(before)
        assert b"\r\n" in old or b"\r\n" not in text
        (folder / path).write_bytes(text)
    assert fixed(folder) == Repaired({}, 0)
