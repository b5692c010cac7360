"""A DAG id that several files claim stays with the file that had it."""

from __future__ import annotations

from factory.bundle.records import settle
from schemas.check.dependencies import PipelineFile


def file(path: str, *dag_ids: str) -> PipelineFile:
    return PipelineFile(path, dag_ids, frozenset({path}))


def test_the_owner_keeps_its_id_and_newcomers_learn_of_it() -> None:
    files = [file("a.yaml", "x"), file("b.yaml", "x", "y"), file("c.yaml", "x")]
    result = settle(files, [], {"x": "b.yaml"})
    assert result.owners == {"x": "b.yaml", "y": "b.yaml"}
    assert result.conflicts == {"a.yaml": (("x", "b.yaml"),), "c.yaml": (("x", "b.yaml"),)}


def test_without_history_nobody_owns_and_each_learns_of_the_others() -> None:
    result = settle([file("a.yaml", "x"), file("b.yaml", "x")], [], {})
    assert result.owners == {}
    assert result.conflicts == {"a.yaml": (("x", "b.yaml"),), "b.yaml": (("x", "a.yaml"),)}


def test_removing_the_other_claim_heals() -> None:
    result = settle([file("a.yaml", "x")], [], {})
    assert result.owners == {"x": "a.yaml"}
    assert not result.conflicts


def test_an_owner_that_cannot_be_read_for_now_does_not_lose_its_id() -> None:
    broken = settle([file("a.yaml"), file("b.yaml", "x")], [], {"x": "a.yaml"})
    assert broken.owners == {"x": "a.yaml"}
    assert broken.conflicts == {"b.yaml": (("x", "a.yaml"),)}
    uncopied = settle([file("b.yaml", "x")], ["a.yaml"], {"x": "a.yaml"})
    assert uncopied == broken


def test_a_renamed_file_takes_its_id_along() -> None:
    assert settle([file("new.yaml", "x")], [], {"x": "old.yaml"}).owners == {"x": "new.yaml"}
