"""Expressions that lint works out, and the same in a task of Airflow: what fails there is said, and nothing else."""

from __future__ import annotations

import json
import random
import sys
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from factory.trial.memory import Memory
from factory.trial.run import Trial, run
from schemas.check import Checker, CheckOptions

from .built_dags import built

PARAMS = {
    **{"table": "orders", "n": 3, "f": 1.5, "flag": True, "rows": [1, 2], "day": "2026-01-01", "nothing": None},
    **{"opt": {"type": "object", "default": {"a": 1}}, "typed": {"type": "string", "default": "x"}},
}
VALUES = (
    *("ds", "ts", "ds_nodash", "logical_date", "params.n", "params.f", "params.table", "params.rows", "params.flag"),
    *("params.opt", "'x'", "'1'", "1", "2.5", "dag_run.run_after", "run_id", "macros.timedelta(days=1)"),
    *("macros.datetime.now()", "ti.try_number", "logical_date.year", "[1, 2]", "none", "true", "ds.split('-')"),
)
STEPS = (
    *("upper()", "strftime('%Y')", "isoformat()", "year", "days", "split('-')", "replace('-', '')", "replace(day=1)"),
    *("items()", "append(1)", "add(days=1)", "start_of('month')", "total_seconds()", "format('YYYY')", "date()", "no"),
    *("get('a')", "day_of_week", "timestamp()", "in_timezone('UTC')", "zfill(3)", "real", "end_of('months')"),
)
FILTERS = (
    *("abs", "batch(2)", "capitalize", "center", "count", "default", "dictsort", "first", "float", "format", "int"),
    *("items", "join", "last", "length", "list", "lower", "max", "min", "reverse", "round", "sort", "string", "sum"),
    *("tojson", "trim", "unique", "upper", "urlencode", "wordcount", "replace('a', 'b')", "ds", "ds_nodash", "ts"),
    *("map('upper')", "select", "selectattr('a')", "slice(2)", "map('upper') | select | list", "map('upper') | join"),
    *("map('upper') | list", "select | list", "slice(2) | list", "selectattr('a') | list", "title", "truncate"),
)
LEFT = {
    "not all arguments converted": "which text is formatted only the run knows",
    "has no element": "how long a param is only the run knows",
    "could not convert string": "which text it is only the run knows",
    "object' has no attribute 'a'": "what the items of a param are only the run knows",
    "time data": "as above",
    "Expecting value": "as above",
    "VARIABLE_NOT_FOUND": "which Variables there are only the run knows",
    "isn't defined": "which connections there are only the run knows",
}
"""What Jinja says of expressions that lint leaves → why."""
FUNCTION = """
import json
from pathlib import Path


def render(place, **context):
    environment = context["dag"].get_template_env()
    said = []
    for text in json.loads((Path(place) / "texts.json").read_text()):
        try:
            environment.from_string(text).render(context)
            said.append("")
        except Exception as error:
            said.append(f"{type(error).__name__}: {error}")
    (Path(place) / "said.json").write_text(json.dumps(said))
"""
WRITTEN = Path(__file__).with_name("template_expressions.txt")
NO_FAILURE = ("is the function, not what it returns", "changes nothing")
"""What lint says of expressions that render."""
AT_ONCE = 100
"""Tasks of a file: so that it has less than the findings that lint shows of one."""


def generated() -> list[str]:
    texts = [f"{{{{ {one} {sign} {other} }}}}" for one, other, sign in product(VALUES, VALUES, "+-<")]
    texts += [
        f"{{{{ {one} {sign} {other} }}}}" for one, other in product(VALUES, ("2", "ds")) for sign in ("*", "%", "in")
    ]
    texts += [f"{{{{ ({value}).{step} }}}}" for value, step in product(VALUES, STEPS)]
    texts += [f"{{{{ ({value}) | {name} }}}}" for value, name in product(VALUES, FILTERS)]
    texts += [f"{{{{ ({value}){rest} }}}}" for value, rest in product(VALUES, ("()", "['a']", "[:2]"))]
    return texts


def pipeline(tasks: list[dict[str, Any]]) -> str:
    before = {"id": "before", "uses": "bash", "with": {"bash_command": "echo text"}}
    return json.dumps({"schedule": "@daily", "start_date": "2026-01-01", "params": PARAMS, "tasks": [before, *tasks]})


def rendered(texts: list[str], folder: Path) -> list[str]:
    """What a task of Airflow says of each text; empty where it renders."""
    (folder / "rendering_task.py").write_text(FUNCTION)
    (folder / "texts.json").write_text(json.dumps(texts))
    uses = {"uses": "rendering_task.render", "with": {"place": str(folder)}}
    dag = built(pipeline([{"id": "a", "needs": ["before"], **uses}]), folder)
    sys.path.append(str(folder))
    try:
        *_, result = run(Trial(dag, Memory(), datetime(2026, 5, 4, tzinfo=UTC), patience=5.0))
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("rendering_task", None)
    assert result.state == "success", result.error
    said: list[str] = json.loads((folder / "said.json").read_text())
    return said


def linted(texts: list[str]) -> list[str]:
    """What lint says of each text."""
    said: list[str] = []
    for start in range(0, len(texts), AT_ONCE):
        tasks: list[dict[str, Any]] = [
            {
                "id": f"a{index}",
                "needs": ["before"],
                "uses": "bash",
                "with": {"bash_command": "true", "env": {"A": text}},
            }
            for index, text in enumerate(texts[start : start + AT_ONCE])
        ]
        found = Checker(Path("/no/such/folder"), CheckOptions(environ={})).text(pipeline(tasks), "orders.yaml")
        by_task: dict[Any, str] = {
            d.path[1]: d.message for d in found.diagnostics if not d.message.endswith(NO_FAILURE)
        }
        assert all(d.path[:1] == ("tasks",) for d in found.diagnostics)
        said += [by_task.get(index + 1, "") for index in range(len(tasks))]
    return said


def compared(texts: list[str], folder: Path) -> int:
    """How many fail, in Airflow and in lint."""
    wrong = []
    of_run, of_lint = rendered(texts, folder), linted(texts)
    for text, airflows, ours in zip(texts, of_run, of_lint, strict=True):
        if bool(airflows) is not bool(ours) and not any(known in airflows for known in LEFT):
            wrong.append(f"{text}: Airflow says {airflows!r}, lint {ours!r}")
    assert not wrong, "\n".join(wrong)
    return sum(map(bool, of_run))


def test_lint_says_what_fails_when_it_is_rendered_and_nothing_else(tmp_path: Path) -> None:
    texts = random.Random(15).sample(generated(), 700)  # noqa: S311 # the same texts in each run
    assert 200 < compared(texts, tmp_path) < 600


@pytest.mark.soak
def test_all_of_them(tmp_path: Path) -> None:
    assert compared(generated(), tmp_path) > 1_500


def test_what_people_write(tmp_path: Path) -> None:
    """Blocks of expressions: those that render, those that fail and are said, and those that only the run knows."""
    renders, fails, *left = WRITTEN.read_text().strip().split("\n\n")
    texts = [line for block in (renders, fails, *left) for line in block.splitlines() if not line.startswith("#")]
    of_run, of_lint = (
        dict(zip(texts, rendered(texts, tmp_path), strict=True)),
        dict(zip(texts, linted(texts), strict=True)),
    )
    known = {
        **dict.fromkeys(renders.splitlines()[1:], (False, False)),
        **dict.fromkeys(fails.splitlines()[1:], (True, True)),
    }
    known |= {line: (True, False) for block in left for line in block.splitlines()[1:]}
    wrong = {
        text: (of_run[text], of_lint[text])
        for text, expected in known.items()
        if (bool(of_run[text]), bool(of_lint[text])) != expected
    }
    assert not wrong
