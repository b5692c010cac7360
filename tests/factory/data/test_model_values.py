"""What `train` and `predict` make of values: numbers, booleans and categories, of rows and files, known and unknown."""

from __future__ import annotations

import csv
import json
import random
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from factory.data.row_files import RowFileWriter
from factory.operators.models import UNKNOWN_VALUES, PredictOperator, TrainOperator

pytest.importorskip("skops")

CLASSIFIER = "sklearn.tree.DecisionTreeClassifier"
REGRESSOR = "sklearn.linear_model.LinearRegression"


class Task:
    """A model's folder, and the tasks that write and read it; `pushed` is what `predict` told beside its rows."""

    def __init__(self, folder: Path) -> None:
        self.model = str(folder / "model")
        self.pushed: dict[str, Any] = {}
        self._ti = SimpleNamespace(dag_id="d", run_id="r", task_id="t", xcom_push=self._push)

    def _push(self, key: str, value: Any) -> None:
        self.pushed[key] = value

    def train(self, source: list[dict[str, Any]] | Path, target: str = "y", **more: Any) -> dict[str, Any]:
        """The metrics and what each feature was taken for."""
        arguments = {"estimator": CLASSIFIER, "to": self.model, "target": target, **more, **given(source)}
        output = TrainOperator(task_id="t", **arguments).execute({"ti": self._ti})  # type: ignore[typeddict-item]
        facts = json.loads((Path(self.model) / "model.json").read_text())
        return {**output["metrics"], **facts["features"]}

    def predict(self, source: list[dict[str, Any]] | Path) -> list[Any]:
        self.pushed = {}
        operator = PredictOperator(task_id="p", model=self.model, max_rows=50_000, **given(source))
        return [row["prediction"] for row in operator.execute({"ti": self._ti})]  # type: ignore[typeddict-item, index]


def given(source: list[dict[str, Any]] | Path) -> dict[str, Any]:
    return {"file": str(source)} if isinstance(source, Path) else {"rows": source}


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return Task(tmp_path)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the tasks warn of."""
    texts: list[str] = []

    def warning(text: str, *values: Any) -> None:
        if values:  # Airflow's own have none
            texts.append(text % values)

    for operator in (TrainOperator, PredictOperator):
        monkeypatch.setattr(operator, "log", SimpleNamespace(warning=warning, info=lambda *_: None))
    return texts


def measured(number: int = 200) -> list[dict[str, Any]]:
    """`y` is a boolean of `x`, turned round by `b`."""
    choose = random.Random(1)  # noqa: S311 # the same rows each time
    rows = [
        {"x": choose.random() * 100, "n": choose.randrange(-9, 9), "b": choose.random() > 0.5} for _ in range(number)
    ]
    return [{**row, "y": (row["x"] > 50) != row["b"], "z": 3 * row["n"] + row["b"]} for row in rows]


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    with RowFileWriter(str(path)) as file:
        file.write(rows)
    return path


def test_a_csv_file_gives_the_model_of_its_rows(tmp_path: Path, task: Task, said: list[str]) -> None:
    rows = measured()
    path = written(tmp_path / "rows.csv", rows)
    features = {"x": "number", "n": "number", "b": "boolean"}
    of_rows = task.train(rows, features=list(features))
    assert task.train(path, features=list(features)) == of_rows == {"accuracy": of_rows["accuracy"], **features}
    assert of_rows["accuracy"] > 0.9
    predicted = task.predict(rows)
    assert task.predict(path) == predicted
    assert sum(one == row["y"] for one, row in zip(predicted, rows, strict=True)) > 180
    regression = task.train(path, "z", estimator=REGRESSOR, features=["n", "b"])
    assert regression == task.train(rows, "z", estimator=REGRESSOR, features=["n", "b"])
    assert regression["r2"] > 0.99
    assert (said, task.pushed) == ([], {})


@pytest.mark.parametrize("number", ["1e-07", "-2.5E+10", "0", "-0.5", "nan", "12345678901234567890.123", ""])
def test_numbers_of_csv_in_any_form_are_numbers(tmp_path: Path, task: Task, said: list[str], number: str) -> None:
    rows = [{"x": str(n), "y": n % 2} for n in range(30)]
    assert task.train(written(tmp_path / "rows.csv", [*rows, {"x": number, "y": 0}]))["x"] == "number"
    assert said == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([*map(str, range(30)), "N/A", "N/A", "-"], "`x` has 30 numbers and 3 other values (such as 'N/A'), and"),
        ([f"{n},5" for n in range(30)], "`x` is learned as categories, and most of its 30 values are"),
        ([f"00{n}" for n in range(30)], "`x` is learned as categories, and most of its 30 values"),
    ],
)
def test_numbers_that_become_categories_are_said(
    tmp_path: Path, task: Task, said: list[str], values: list[str], message: str
) -> None:
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["x", "y"], *([value, n % 2] for n, value in enumerate(values))])
    assert task.train(path)["x"] == "category"
    (text,) = said
    assert text.startswith(message)


def test_rows_whose_numbers_are_texts_are_said(task: Task, said: list[str]) -> None:
    rows = [{"x": str(n % 5), "code": f"0{n % 3}", "y": n % 2} for n in range(30)]
    assert task.train(rows) == {"accuracy": task.train(rows)["accuracy"], "x": "category", "code": "category"}
    assert said[0].startswith("`x` has its numbers as texts, and is learned as categories")
    assert "CAST(x AS DOUBLE PRECISION)" in said[0]
    assert len(said) == 2  # one of each training: a code is no number


def test_decimals_that_json_keeps_as_texts_are_numbers_beside_numbers(task: Task, said: list[str]) -> None:
    rows: list[dict[str, Any]] = [{"x": n, "y": n % 2} for n in range(30)]
    assert task.train([*rows, {"x": "12345678901234567.89", "y": 1}])["x"] == "number"
    task.predict([{"x": "12345678901234567.89"}, {"x": "7"}, {"x": 7}])
    assert (said, task.pushed) == ([], {})


@pytest.mark.parametrize("flags", [[True, False], ["true", "false"], [1, 0]])
def test_booleans_are_the_same_in_every_form(task: Task, said: list[str], flags: list[Any]) -> None:
    rows = measured()
    task.train(rows, features=["x", "b"])
    assert task.predict([{**row, "b": flags[not row["b"]]} for row in rows]) == task.predict(rows)
    assert (said, task.pushed) == ([], {})


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"x": "many"}, "`x` has values that are no numbers, and the model was trained with numbers"),
        ({"x": True}, "`x` has values that are no numbers"),
        ({"x": 10**400}, "`x` has values that are no numbers"),
        ({"b": "yes"}, "`b` has values other than true and false"),
        ({"b": 2}, "`b` has values other than true and false"),
        ({"region": 3}, "`region` has numbers or booleans that the model was not trained with"),
        ({"region": True}, "`region` has numbers or booleans"),
        ({"region": ["kr"]}, "`region` has nested values"),
    ],
)
def test_a_column_of_another_type_is_refused(task: Task, row: dict[str, Any], message: str) -> None:
    task.train([{"x": n, "b": n > 9, "region": "kr" if n % 2 else "de", "y": n % 2} for n in range(30)])
    known = {"x": 1, "b": True, "region": "kr"}
    assert len(task.predict([known])) == 1
    with pytest.raises(AirflowException, match=f"^{message}"):
        task.predict([known, {**known, **row}])


def test_what_the_model_has_not_learned_is_said_and_counted(tmp_path: Path, task: Task, said: list[str]) -> None:
    learned = [{"x": n, "region": ("kr", "de")[n % 2], "api_key": f"k{n % 2}", "gap": n % 3 or None} for n in range(30)]
    task.train([{**row, "y": n % 2} for n, row in enumerate(learned)])
    known = {"x": 1, "region": "kr", "api_key": "k1", "gap": None}
    new = [{**known, "region": "Kr"}, {**known, "region": "mars" * 20}, {**known, "region": None}, {"region": "kr"}] * 2
    new += [{**known, "api_key": "hunter2"}, {**known, "region": "in one row alone"}]
    task.predict([known, *new])
    assert task.pushed == {UNKNOWN_VALUES: {"region": 7, "x": 2, "api_key": 3}}
    assert said == [
        "`x` has no value in 2 rows, and had one wherever the model learned",
        f"`region` has 7 values (such as 'Kr', '{'mars' * 10}…', no value) that the model was not trained with: it "
        "ignores them",
        "`api_key` has 3 values that the model was not trained with: it ignores them",
    ]
    said.clear()
    task.predict(written(tmp_path / "rows.csv", [{**known, "region": "Kr"}] * 20_001))
    assert task.pushed == {UNKNOWN_VALUES: {"region": 20_001}}
    assert len(said) == 1


def test_a_target_of_csv_is_predicted_in_its_type(tmp_path: Path, task: Task) -> None:
    for values in ([True, False], [1, 0], ["kr", "de"], ["01", "02"]):
        rows = [{"x": n, "y": values[n > 15]} for n in range(30)]
        task.train(written(tmp_path / "rows.csv", [*rows, {"x": 3, "y": None}]))
        facts = json.loads((Path(task.model) / "model.json").read_text())
        assert facts["rows"]["without_target"] == 1
        assert [(type(one), one) for one in task.predict(rows)] == [(type(row["y"]), row["y"]) for row in rows]


def test_an_infinite_number_is_named(task: Task) -> None:
    rows = [{"x": n, "y": n > 15} for n in range(30)]
    task.train(rows)
    for use in (task.train, task.predict):
        with pytest.raises(AirflowException, match="`x` has an infinite number, which no model takes"):
            use([*rows, {"x": float("inf"), "y": True}])


def test_names_that_no_row_has_are_said_with_what_is_meant(task: Task) -> None:
    rows = [{"left_at": n, "y": n > 15} for n in range(30)]
    with pytest.raises(AirflowException, match=r"no column `yy`, .*: they have left_at, y|did you mean `y`"):
        task.train(rows, "yy")
    with pytest.raises(AirflowException, match="no column `lefft_at`, which the model needs: did you mean `left_at`"):
        task.train(rows, features=["lefft_at"])
    task.train(rows)
    task.model = '{"model": "/x", "metrics": {}}'
    with pytest.raises(AirflowException, match=r"`model` is a folder: write `\$\{tasks.ID.output.model\}`"):
        task.predict(rows)


def test_what_a_model_cannot_learn_from_is_said(task: Task, said: list[str]) -> None:
    rows: list[dict[str, Any]] = [{"a": n, "m": None, "y": "yes"} for n in range(20)] + [{"a": 1, "m": None, "y": None}]
    task.train(rows)
    assert "1 of 21 rows have no value in `y`, and are left out" in said
    assert "`m` has no value in any row: a model learns nothing from it" in said
    assert "`y` has one value in all rows: the model will answer nothing else" in said
    said.clear()
    task.train([{"a": n, "y": n % 2} for n in range(20)])
    assert said == []
    with pytest.raises(AirflowException, match="there are no rows, so there is nothing to learn from"):
        task.train([])
    with pytest.raises(AirflowException, match="`y` has values that are no numbers, and a regressor learns numbers"):
        task.train([{"a": n, "y": "yes" if n % 2 else "no"} for n in range(20)], estimator=REGRESSOR)


def test_a_model_of_another_scikit_learn_is_said(task: Task, said: list[str]) -> None:
    rows = [{"a": n, "y": n % 2} for n in range(20)]
    task.train(rows)
    task.predict(rows)
    assert said == []
    path = Path(task.model) / "model.skops"
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    facts = json.loads(parts["model.json"])
    parts["model.json"] = json.dumps({**facts, "versions": {**facts["versions"], "scikit-learn": "1.2.0"}}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    assert len(task.predict(rows)) == 20
    assert said[0].startswith("the model was trained with scikit-learn 1.2, and here is 1.")
