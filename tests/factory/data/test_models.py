"""The tasks `train` and `predict`."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import random
import signal
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from factory.data.places import opened_to_read
from factory.data.row_files import RowFileWriter, read_rows
from factory.operators.models import PredictOperator, TrainOperator
from tests.factory.bundle.s3 import BUCKET, CONNECTION, connection, running_s3

pytest.importorskip("skops")

TI = SimpleNamespace(dag_id="churn", run_id="r1", task_id="train", xcom_push=lambda **_: None)
CLASSIFIER = "sklearn.ensemble.RandomForestClassifier"


def customers(number: int = 200) -> list[dict[str, Any]]:
    """Customers of one region leave when they ordered little; some values are missing."""
    choose = random.Random(7)  # noqa: S311 # the same rows each time
    rows = []
    for n in range(number):
        region, orders = choose.choice(["kr", "de", None]), choose.randint(0, 9)
        rows.append(
            {"id": n, "region": region, "orders": orders if n % 10 else None, "left": region == "kr" and orders < 5}
        )
    return rows


def train(to: Path | str, rows: list[dict[str, Any]] | None = None, **arguments: Any) -> dict[str, Any]:
    given = {"target": "left", "estimator": CLASSIFIER, **arguments}
    source = {} if "file" in given else {"rows": customers() if rows is None else rows}
    return TrainOperator(task_id="train", to=str(to), **source, **given).execute({"ti": TI})  # type: ignore[typeddict-item]


def predict(model: Path | str, rows: list[dict[str, Any]], **arguments: Any) -> Any:
    return PredictOperator(task_id="predict", model=str(model), rows=rows, **arguments).execute({"ti": TI})  # type: ignore[typeddict-item]


def test_a_model_is_trained_stored_and_used(tmp_path: Path) -> None:
    output = train(tmp_path / "model", features=["region", "orders"], estimator_arguments={"n_estimators": 20})
    assert output["model"] == str(tmp_path / "model")
    assert output["metrics"]["accuracy"] > 0.8
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["model.json", "model.skops"]
    facts = json.loads((tmp_path / "model" / "model.json").read_text())
    assert facts["features"] == {"region": "category", "orders": "number"}
    assert facts["rows"] == {"learned": 160, "tested": 40, "without_target": 0}
    assert facts["run"] == {"dag_id": "churn", "run_id": "r1", "task_id": "train"}
    assert {"scikit-learn", "skops"} <= facts["versions"].keys()
    rows = [{"region": "kr", "orders": 1}, {"region": "mars", "orders": None}]
    predicted = predict(tmp_path / "model", rows)
    assert predicted == [
        {"region": "kr", "orders": 1, "prediction": True},
        {"region": "mars", "orders": None, "prediction": False},
    ]
    json.dumps(predicted)


def test_the_same_rows_give_the_same_model(tmp_path: Path) -> None:
    one, two = train(tmp_path / "a"), train(tmp_path / "b")
    assert one["metrics"] == two["metrics"]
    facts = [json.loads((tmp_path / name / "model.json").read_text()) for name in ("a", "b")]
    assert facts[0]["data"] == facts[1]["data"]
    train(tmp_path / "c", customers(199))
    assert json.loads((tmp_path / "c" / "model.json").read_text())["data"] != facts[0]["data"]


def test_a_regressor_has_its_own_metrics(tmp_path: Path) -> None:
    rows = [{"x": n, "y": 2 * n} for n in range(100)]
    output = train(tmp_path / "m", rows, target="y", estimator="sklearn.linear_model.LinearRegression")
    assert output["metrics"]["r2"] > 0.99
    assert set(output["metrics"]) == {"r2", "neg_mean_absolute_error"}
    assert train(
        tmp_path / "m", rows, target="y", estimator="sklearn.linear_model.LinearRegression", metrics=["neg_max_error"]
    )["metrics"].keys() == {"neg_max_error"}


def test_rows_travel_as_files(tmp_path: Path) -> None:
    with RowFileWriter(str(tmp_path / "customers.parquet")) as file:
        file.write(customers())
    train(tmp_path / "m", file=str(tmp_path / "customers.parquet"))
    operator = PredictOperator(
        task_id="predict",
        model=str(tmp_path / "m"),
        file=str(tmp_path / "customers.parquet"),
        column="leaves",
        to=str(tmp_path / "predicted.jsonl"),
    )
    assert operator.execute({}) == str(tmp_path / "predicted.jsonl")
    assert [type(row["leaves"]) for row in read_rows(str(tmp_path / "predicted.jsonl"))] == [bool] * 200


def test_a_model_of_types_that_are_not_trusted_is_refused(tmp_path: Path) -> None:
    train(tmp_path / "m", estimator_arguments={"n_estimators": 2})
    path = tmp_path / "m" / "model.skops"
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["schema.json"] = files["schema.json"].replace(b"RandomForestClassifier", b"RandomForestClassifiez", 1)
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    path.write_bytes(changed.getvalue())
    with pytest.raises(AirflowException, match=r"types that are not trusted: .*RandomForestClassifiez"):
        predict(tmp_path / "m", [{"id": 1, "region": "kr", "orders": 1}])


def train_until_killed(to: Path, step: int) -> None:
    """Kill this process before it removes or replaces one of the model's files for the so-many-th time."""
    steps = iter(range(1, 100))

    def before(event: str, arguments: tuple[Any, ...]) -> None:
        ends = tuple(str(to / name) for name in ("model.skops", "model.json"))
        path = str(arguments[event == "os.rename"]) if event in ("os.rename", "os.remove") else ""
        if path.endswith(ends) and next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(before)
    train(to, [{"size": n, "left": n > 20} for n in range(40)])


@pytest.mark.soak
def test_a_kill_leaves_no_model_with_the_facts_of_another(tmp_path: Path) -> None:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__, "sklearn.ensemble", "skops.io"])
    seen = []
    for step in range(1, 10):
        train(tmp_path / "m")
        process = processes.Process(target=train_until_killed, args=(tmp_path / "m", step))
        process.start()
        process.join()
        with zipfile.ZipFile(tmp_path / "m" / "model.skops") as model:
            facts = json.loads(model.read("model.json"))
        beside = tmp_path / "m" / "model.json"
        assert not beside.exists() or json.loads(beside.read_text()) == facts
        is_new = "size" in facts["features"]
        assert len(predict(tmp_path / "m", [{"size": 1} if is_new else customers()[0]])) == 1
        seen.append((is_new, beside.exists()))
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
    assert seen == [(False, True), (False, False), (True, False), (True, True)]
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == ["model.json", "model.skops"]


def train_and_meet(to: Path, number: int, is_first: bool, there: Any, other_came: Any) -> None:
    """The first one stops before its facts appear, until the second waits for it, or where it need not has ended."""

    def before(event: str, arguments: tuple[Any, ...]) -> None:
        if is_first and event == "os.rename" and str(arguments[1]) == str(to / "model.json"):
            there.set()
            other_came.wait()
        if not is_first and event == "fcntl.flock" and os.path.samestat(os.fstat(arguments[0]), to.stat()):
            other_came.set()

    sys.addaudithook(before)
    train(to, [{"size": n, "left": n > 20} for n in range(number)])
    other_came.set()


def two_at_once(trains: Callable[..., None], to: Any) -> None:
    """The first trains with 40 rows, the second with 60."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__, "sklearn.ensemble", "skops.io"])
    there, other_came = processes.Event(), processes.Event()
    first = processes.Process(target=trains, args=(to, 40, True, there, other_came))
    second = processes.Process(target=trains, args=(to, 60, False, there, other_came))
    first.start()
    while not there.wait(1):
        assert first.is_alive(), "the first one ended before it stored its model"
    second.start()
    first.join()
    second.join()
    assert (first.exitcode, second.exitcode) == (0, 0)


def test_two_models_at_once_leave_one_of_them_with_its_own_facts(tmp_path: Path) -> None:
    two_at_once(train_and_meet, tmp_path / "m")
    with zipfile.ZipFile(tmp_path / "m" / "model.skops") as model:
        facts = json.loads(model.read("model.json"))
    assert json.loads((tmp_path / "m" / "model.json").read_text()) == facts
    assert facts["rows"]["learned"] == 48
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == ["model.json", "model.skops"]


def train_in_the_store(to: tuple[str, str], number: int, is_first: bool, there: Any, other_came: Any) -> None:
    """The first one stops before it sends its facts, until the second has sent its own."""

    def before(event: str, arguments: tuple[Any, ...]) -> None:
        sends = event == "open" and ".model.json." in str(arguments[0]) and "r" in str(arguments[1])
        if is_first and sends and not there.is_set():
            there.set()
            other_came.wait()

    sys.addaudithook(before)
    os.environ["AIRFLOW_CONN_ARCHIVE"] = to[1]  # what forks this is older than the store
    train(to[0], [{"size": n, "left": n > 20} for n in range(number)])
    other_came.set()


@pytest.mark.soak
def test_two_models_at_once_in_a_store_leave_one_with_its_own_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_s3() as url:
        archive = connection(url)[f"AIRFLOW_CONN_{CONNECTION}"]
        monkeypatch.setenv("AIRFLOW_CONN_ARCHIVE", archive)
        to = f"s3://archive@{BUCKET}/models/left"
        two_at_once(train_in_the_store, (to, archive))
        with opened_to_read(f"{to}/model.skops") as file, zipfile.ZipFile(file) as model:
            facts = json.loads(model.read("model.json"))
        with opened_to_read(f"{to}/model.json") as file:
            assert json.load(file) == facts
        assert facts["rows"]["learned"] == 48
        assert len(predict(to, [{"size": 1}])) == 1


def test_a_model_that_train_did_not_store_is_refused(tmp_path: Path) -> None:
    import skops.io  # noqa: PLC0415 # an extra
    from sklearn.linear_model import LinearRegression  # noqa: PLC0415 # an extra

    (tmp_path / "model.skops").write_bytes(skops.io.dumps(LinearRegression()))
    (tmp_path / "model.json").write_text('{"features": {}}')
    with pytest.raises(AirflowException, match="does not say what it was made from: it must be stored by `train`"):
        predict(tmp_path, [{"id": 1}])


def test_a_pickle_is_not_loaded(tmp_path: Path) -> None:
    import pickle  # noqa: PLC0415

    train(tmp_path / "m")
    marker = tmp_path / "executed"

    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (marker,))

    (tmp_path / "m" / "model.skops").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(AirflowException, match="is no model that can be read"):
        predict(tmp_path / "m", [{"id": 1}])
    assert not marker.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "gone"}, "no column `gone`"),
        ({"features": ["nothing"]}, "no column `nothing`"),
        ({"estimator": "sklearn.ensemble.Forest"}, "cannot be imported"),
        ({"estimator": "no_such_package.Model"}, "cannot be imported"),
        ({"estimator_arguments": {"trees": 3}}, "refused it: .*trees"),
        ({"estimator": "json.JSONDecoder"}, "is no estimator: it has no `fit`, `predict`, `get_params`"),
        ({"metrics": ["accuracy", "acuracy"]}, "no metric `acuracy`, did you mean `accuracy`"),
        ({"metrics": ["speed"]}, "speed"),
        ({"rows": [{"left": True, "x": 1}]}, "too few to learn from"),
        ({"rows": [{"left": None, "x": 1}] * 5}, "there are 0 rows with a value in `left`"),
        ({"rows": [{"left": True, "x": {"a": 1}}] * 5}, "nested values"),
    ],
)
def test_what_cannot_be_trained_is_said(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(AirflowException, match=message):
        train(tmp_path / "m", **arguments)
    assert not (tmp_path / "m").exists()


def test_what_cannot_be_predicted_is_said(tmp_path: Path) -> None:
    with pytest.raises(AirflowException, match="cannot be read"):
        predict(tmp_path / "nothing", [{"id": 1}])
    train(tmp_path / "m", features=["orders", "region"])
    with pytest.raises(AirflowException, match="no column `region`"):
        predict(tmp_path / "m", [{"orders": 1}])
    with pytest.raises(AirflowException, match="`orders` has values that are no numbers"):
        predict(tmp_path / "m", [{"orders": "many", "region": "kr"}])
    assert predict(tmp_path / "m", []) == []


def test_a_prediction_replaces_no_column(tmp_path: Path) -> None:
    train(tmp_path / "m", features=["orders"])
    rows = [{"orders": 1}, {"orders": 2, "prediction": "mine"}]
    for to in (None, str(tmp_path / "predicted.jsonl")):
        with pytest.raises(AirflowException, match=r"a column `prediction` already, which .* name with `column`"):
            predict(tmp_path / "m", rows, to=to)
    assert not (tmp_path / "predicted.jsonl").exists()
    once = predict(tmp_path / "m", rows, column="leaves")
    assert [row.keys() for row in predict(tmp_path / "m", once[:1])] == [{"orders", "leaves", "prediction"}]
    with pytest.raises(AirflowException, match="a column `leaves` already"):
        predict(tmp_path / "m", once, column="leaves")
