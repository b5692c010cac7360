"""Models of every kind that scikit-learn has are stored and read again, or `train` says what `predict` will need."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowException

pytest.importorskip("skops")

from .test_models import customers, predict, train

ROWS = [{"orders": row["orders"], "left": row["left"]} for row in customers(60)]
KINDS = {
    "sklearn.neighbors.KNeighborsClassifier": {"n_neighbors": 1},
    "sklearn.neighbors.RadiusNeighborsClassifier": {"radius": 1000.0, "metric": "manhattan"},
    "sklearn.neural_network.MLPClassifier": {"max_iter": 5},
    "sklearn.gaussian_process.GaussianProcessClassifier": {},
    "sklearn.calibration.CalibratedClassifierCV": {},
    "sklearn.ensemble.HistGradientBoostingClassifier": {"max_iter": 2},
    "sklearn.ensemble.GradientBoostingClassifier": {"n_estimators": 2},
    "sklearn.svm.SVC": {},
}


@pytest.mark.parametrize("estimator", KINDS)
def test_what_train_stores_predict_reads(
    estimator: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    train(tmp_path / "m", ROWS, estimator=estimator, estimator_arguments=KINDS[estimator])
    assert "needs `trusted" not in capsys.readouterr().out
    assert len(predict(tmp_path / "m", ROWS[:3])) == 3
    recwarn.clear()  # of five rounds that are too few for it


def test_train_says_what_predict_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.py").write_text("from sklearn.tree import DecisionTreeClassifier as T\nclass Own(T): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    train(tmp_path / "m", ROWS, estimator="own.Own")
    assert "`predict` needs `trusted: [own.Own]` for this model" in " ".join(capsys.readouterr().out.split())
    with pytest.raises(AirflowException, match=r"types that are not trusted: own\.Own"):
        predict(tmp_path / "m", ROWS[:1])
    assert len(predict(tmp_path / "m", ROWS[:1], trusted=["own.Own"])) == 1


def test_a_metric_that_does_not_fit_the_answers_is_named(tmp_path: Path) -> None:
    rows = [{**row, "left": "yes" if row["left"] else "no"} for row in ROWS]
    with pytest.raises(AirflowException, match=r"metric `f1` cannot be told: .* write `f1_macro` or `f1_weighted`"):
        train(tmp_path / "m", rows, metrics=["f1"])
    assert train(tmp_path / "m", rows, metrics=["f1_macro"])["metrics"].keys() == {"f1_macro"}
