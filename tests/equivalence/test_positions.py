"""One thing wrong in a pair's YAML: the first finding stands where the thing stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from schemas.check import Checker, CheckOptions

PAIRS = Path(__file__).parent / "pairs"


@dataclass(frozen=True)
class Mistake:
    """`right`, which stands once in the pair's YAML, is written `wrong`; `at` is what the finding points to."""

    pair: str
    right: str
    wrong: str
    at: str
    code: str


MISTAKES = [
    Mistake("tutorial", "retries: 3", "retrys: 3", "retrys", "PF102"),
    Mistake("tutorial_taskflow", "tasks.transform.xcom", "tasks.transfrom.xcom", '"${tasks.transfrom', "PF302"),
    Mistake("tutorial_taskflow", "{orders: ", "{order: ", "order: ", "PF309"),
    Mistake("branch_operator", "branch_operator.pick}", "branch_operator.pik}", "branch_operator.pik}", "PF308"),
    Mistake("task_group", "needs: [task_2, task_3]", "needs: [task_2, task_5]", "task_5", "PF302"),
    Mistake("mapping_second_order", "{factor: 2}", "{faktor: 2}", "faktor", "PF309"),
    Mistake("assets_any_and_all", "any: [", "some: [", "some: [", "PF102"),
    Mistake("several_crons", '"0 9 * * 6"', '"0 9 * * 8"', '8"]', "PF201"),
    Mistake("sensors", "poke_interval: 10s", "poke_interval: ten", "ten}", "PF104"),
    Mistake("deadlines", "from: logical_date", "from: logical_dat", "logical_dat,", "PF104"),
    Mistake("params_form", "default: 42, type: integer", "default: 420, type: integer", "420", "PF111"),
    Mistake("weights", "weight_rule: absolute", "weight_rule: absolut", "absolut,", "PF104"),
]


@pytest.mark.parametrize("mistake", [pytest.param(one, id=f"{one.pair}-{one.code}") for one in MISTAKES])
def test_the_first_finding_stands_where_the_mistake_is(mistake: Mistake) -> None:
    text = (PAIRS / f"{mistake.pair}.yaml").read_text()
    assert text.count(mistake.right) == 1
    text = text.replace(mistake.right, mistake.wrong)
    before = text[: text.index(mistake.at, text.index(mistake.wrong) - len(mistake.at))]

    result = Checker(PAIRS, CheckOptions(shown_folder="")).text(text, f"{mistake.pair}.yaml")

    first = min(result.diagnostics, key=lambda found: (found.span.line, found.span.column))
    place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
    assert (first.code.id, first.span.line, first.span.column) == (mistake.code, *place)
