"""A model and what it was made from, in a folder: stored by skops and never by pickle, and read again."""

from __future__ import annotations

import io
import json
import re
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from factory.data import imported
from factory.data.features import ModelError, Say
from factory.data.places import NewFile, alone_in, is_remote, opened_to_read

MODEL, FACTS = "model.skops", "model.json"
_USUAL = re.compile(
    r"numpy\.(?:dtype|mean|median|max|min)|scipy\.interpolate\._bsplines\.BSpline"
    r"|scipy\._lib\.array_api_compat\.numpy\._aliases\.asarray"
    r"|sklearn\.(?:tree\._tree\.Tree|_loss\.\w+\.\w+|neighbors\._(?:kd|ball)_tree\.\w+"
    r"|ensemble\._hist_gradient_boosting\.\w+\.\w+|metrics\._dist_metrics\.\w+Distance\d*"
    r"|metrics\._scorer\._\w*Scorer|metrics\._(?:classification|regression|ranking)\.\w+_(?:score|error|loss)"
    r"|calibration\._[A-Z]\w+|cluster\._bisect_k_means\._BisectingTree|cluster\._kmeans\._kmeans_single_\w+"
    r"|feature_selection\._(?:univariate_selection\.(?:f_classif|f_regression|r_regression|chi2|f_oneway)"
    r"|mutual_info\.mutual_info_\w+)|gaussian_process\.(?:_gpc\._Binary\w+|kernels\.[A-Z]\w+)"
    r"|multiclass\._ConstantPredictor|neural_network\._stochastic_optimizers\.[A-Z]\w+|utils\._bunch\.Bunch"
    r"|utils\._metadata_requests\.(?:Method)?MetadataRequest)"
)
"""Types inside scikit-learn's own models that skops leaves to its users; none of them calls what a file names: that is
a type, too, which must be trusted."""


def stored(whole: Any, facts: Mapping[str, Any], to: str, say: Say) -> str:
    """Store a model in a folder, whose path is returned. Raises ModelError, RowFileError.

    Two files cannot be replaced at once. So the model holds its facts, which are all that `predict` reads; the file
    of facts beside it is removed first, so that after a kill it is not that of the model before. Two tasks at once take
    turns, so that it is not that of the other one's model; a store, which has no locks, is looked at again.
    """
    said = json.dumps(facts, indent=2, ensure_ascii=False, default=str) + "\n"
    try:
        content = skops("train").dumps(whole)
    except Exception as error:  # of a type that skops does not know
        raise ModelError(f"the model cannot be stored: {one_line(error)}") from None
    if unknown := _not_trusted(content):
        say(f"`predict` needs `trusted: [{', '.join(unknown)}]` for this model")
    archive = io.BytesIO(content)
    with zipfile.ZipFile(archive, "a") as added:
        added.writestr(FACTS, said)
    folder = to.rstrip("/")
    model = NewFile(f"{folder}/{MODEL}")
    described = NewFile(f"{folder}/{FACTS}")
    try:
        Path(model.part).write_bytes(archive.getvalue())
        Path(described.part).write_text(said, encoding="utf-8")
        with alone_in(model.path.rpartition("/")[0]):
            described.remove_former()
            model.publish()
            described.publish()
            if is_remote(folder):
                _settle(folder, said)
    finally:
        model.discard()
        described.discard()
    return model.path.rpartition("/")[0]


def _settle(folder: str, said: str) -> None:
    """Let the facts beside a model be its own. Whoever writes them last reads the model behind that, which nobody then
    replaces any more without writing them later."""
    while True:
        with opened_to_read(f"{folder}/{MODEL}") as file, zipfile.ZipFile(file) as archive:
            own = archive.read(FACTS).decode()
        if own == said:
            return
        said, described = own, NewFile(f"{folder}/{FACTS}")
        try:
            Path(described.part).write_text(said, encoding="utf-8")
            described.publish()
        finally:
            described.discard()


def loaded(folder: str, trusted: Sequence[str]) -> tuple[Any, Mapping[str, Any]]:
    """A stored model and its facts. Raises ModelError, RowFileError."""
    reader = skops("predict")
    if folder.startswith("{"):
        raise ModelError("`model` is a folder: write `${tasks.ID.output.model}`, the folder in what `train` hands on")
    folder = folder.rstrip("/") if is_remote(folder) else str(Path(folder).expanduser())
    with opened_to_read(f"{folder}/{MODEL}") as file:
        content = file.read()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            facts: Mapping[str, Any] | None = json.loads(archive.read(FACTS)) if FACTS in archive.namelist() else None
        unknown = [name for name in _not_trusted(content) if name not in trusted]
        whole = reader.loads(content, trusted=reader.get_untrusted_types(data=content)) if not unknown else None
    except Exception as error:  # a damaged file raises whatever its reader does
        raise ModelError(f"`{folder}/{MODEL}` is no model that can be read: {one_line(error)}") from None
    if facts is None:
        raise ModelError(f"`{folder}/{MODEL}` does not say what it was made from: it must be stored by `train`, anew")
    if unknown:
        raise ModelError(
            f"the model holds types that are not trusted: {', '.join(unknown)}. "
            "Where you know who made it, name them in `trusted`"
        )
    return whole, facts


def _not_trusted(content: bytes) -> list[str]:
    """The types in a model that neither skops nor this project takes for harmless."""
    return sorted(one for one in skops("predict").get_untrusted_types(data=content) if not _USUAL.fullmatch(one))


def skops(task: str) -> Any:
    """The module of skops that reads and writes. Raises ModelError where it is not installed."""
    with warnings.catch_warnings():
        # It looks for functions in every module that is loaded, Airflow's moved ones too.
        warnings.simplefilter("ignore")
        return imported("skops.io", task=task, extra="ml")


def one_line(error: BaseException) -> str:
    """What an error says."""
    return " ".join(str(error).split()) or type(error).__name__
