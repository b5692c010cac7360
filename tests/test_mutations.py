"""Single mistakes by seed: lint's first finding stands on the line of the mistake and names what was meant."""

from __future__ import annotations

from schemas.check import Checker, CheckOptions

from .mutations.base import FOLDER, bases
from .mutations.oracle import is_wrong
from .mutations.score import score, wrong_mutations

NUMBER = 400
ON_THE_LINE = 0.98
SUGGESTED = 0.95


def test_the_texts_that_mistakes_are_made_in_are_sound() -> None:
    checker = Checker(FOLDER, CheckOptions(environ={}))

    for base in bases():
        assert checker.file(base.name).diagnostics == ()
        assert not is_wrong(base.text + "\n", base.name)


def test_mistakes_are_found_where_they_are_and_typos_are_understood() -> None:
    scores = score(wrong_mutations(seed=2, number=NUMBER)).values()

    made, typos = sum(one.made for one in scores), sum(one.typos for one in scores)
    missed = [(m.kind, m.base, sorted(m.lines), d) for one in scores for m, d in one.misses]
    unsuggested = [(m.original, d) for one in scores for m, d in one.unsuggested]
    assert made == NUMBER
    assert len(missed) <= (1 - ON_THE_LINE) * made, missed
    assert len(unsuggested) <= (1 - SUGGESTED) * typos, unsuggested
