"""`factory doctor` looks at an installation and says what is wrong, one line each."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from factory.bundle import PipelineBundle
from factory.bundle.store import BundleError
from factory.local.environment import local_environment
from factory.local.home import Home, Settings
from tests.factory.bundle.s3 import STORE, connection

from .commands import factory
from .installations import CLASS, GIT, GOOD_SETTINGS, doctor, doctor_of, wrong


def test_a_sound_installation_has_no_errors(tmp_path: Path) -> None:
    """Also in what it leaves behind: nothing, which the dag-processor could not write where root ran it."""
    (tmp_path / "store").mkdir()
    bundles = {"p": {"folder": "pipelines", "store": f"file://{tmp_path}/store"}}
    bundles["new"] = {"folder": "pipelines", "store": f"file://{tmp_path}/new"}
    status, lines = doctor_of(tmp_path, bundles, AIRFLOW__METRICS__OTEL_ON="True")

    assert status == 0
    assert wrong(lines) == [
        f"warning bundle p: no dag-processor has written a version into file://{tmp_path}/store yet",
        f"warning bundle new: store file://{tmp_path}/new does not exist yet; the dag-processor makes it",
    ]
    assert f"ok      bundle p: store file://{tmp_path}/store can be written and read" in lines
    assert "ok      [metrics] otel_on is on, and its client is installed" in lines
    assert not list((tmp_path / "store").iterdir())
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "storage").exists()


def test_keys_in_urls_are_refused_and_never_shown(tmp_path: Path) -> None:
    url = "https://robot:t0ken@127.0.0.1:1/x.git"
    bundles: dict[str, dict[str, Any]] = {
        "store": {"folder": "pipelines", "store": "s3://AKIAKEY:sec/r3t@bucket/team"},
        "source": {"source": {"classpath": GIT, "kwargs": {"repo_url": url, "tracking_ref": "main"}}},
        "token": {"source": {"classpath": f"nowhere.https://gh0st@127.0.0.1/{url}"}},
    }
    datadog = {"AIRFLOW__METRICS__STATSD_DATADOG_ENABLED": "True", "AIRFLOW__METRICS__STATSD_ON": "True"}
    status, lines = doctor_of(tmp_path, bundles, **datadog)

    assert status == 1
    assert wrong(lines)[0].startswith("error   bundle store: its `store` has keys in the URL")
    assert "s3://CONN_ID@bucket" in wrong(lines)[0]
    assert wrong(lines)[1].startswith("warning bundle source: its `source` has a password in a URL")
    assert "https://***@127.0.0.1" in "".join(lines)
    assert not re.search("AKIAKEY|r3t|robot|t0ken|gh0st", "".join(lines))
    assert any("No module named 'datadog'; install apache-airflow[datadog]" in line for line in lines)


def test_paths_of_the_bundle_and_what_airflow_refuses(tmp_path: Path) -> None:
    def entry(path: str) -> dict[str, Any]:
        return {"name": path.lower(), "classpath": path, "kwargs": {"folder": "pipelines"}}

    def asked(*entries: dict[str, Any]) -> tuple[int, list[str]]:
        return doctor(tmp_path, AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST=json.dumps(entries))

    mistaken = ("factory.bundles.PipelineBundle", "factory.bundle.Pipelines", "PipelineBundle")
    status, lines = asked(*map(entry, mistaken), entry("factory.bundle.pipeline_bundle.PipelineBundle"))
    twice = asked(entry(CLASS), entry(CLASS))

    for line, path in zip(wrong(lines), (*mistaken, ""), strict=True):
        assert not path or line.startswith(f"error   bundle {path.lower()}: {path} cannot be imported: ")
        assert not path or line.endswith(f"; write {CLASS}")
    assert any(line.endswith(f"pipeline_bundle.pipelinebundle: reads {tmp_path}/pipelines") for line in lines)
    assert (status, twice[0]) == (1, 1)
    assert any(line.startswith("error   Airflow refuses its bundles: ") and "multiple" in line for line in twice[1])


def test_other_versions_are_named(tmp_path: Path) -> None:
    (tmp_path / "storage" / "p").mkdir(parents=True)
    state = {"version": "0" * 40, "owners": {}, "written_by": "airflow-pipeline-factory 0.0.1"}
    (tmp_path / "storage" / "p" / "current.json").write_text(json.dumps(state))
    status, lines = doctor(tmp_path)

    assert status == 1
    assert any("the dag-processor runs airflow-pipeline-factory 0.0.1, and this process" in line for line in lines)


def test_a_store_that_does_not_answer_is_an_error(tmp_path: Path) -> None:
    settings = {
        name: value for name, value in connection("http://127.0.0.1:1").items() if name.startswith("AIRFLOW_CONN")
    }
    status, lines = doctor(tmp_path, {"store": STORE, "store_timeout": 2}, **settings)

    assert status == 1
    assert any(line.startswith(f"error   bundle p: the store {STORE}") for line in lines)


def test_settings_that_hurt_are_named(tmp_path: Path) -> None:
    bad = {
        "CORE__EXECUTOR": "CeleryExecutor",
        "CORE__LAZY_LOAD_PLUGINS": "True",
        "DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "soon",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",
        "METRICS__STATSD_ON": "True",
        "DAG_PROCESSOR__DISABLE_BUNDLE_VERSIONING": "True",
        "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": "[]",
    }
    status, lines = doctor(tmp_path, **{f"AIRFLOW__{name}": value for name, value in bad.items()})

    assert status == 1
    for said in (
        "warning [core] lazy_load_plugins is True: workers import Airflow again for each task",
        "error   [dag_processor] bundle_refresh_check_interval is 'soon', which is not a number",
        "warning [dag_processor] min_file_process_interval is 30: every pipeline is parsed again so often",
        "error   [metrics] statsd_on is on, and no metric is sent: No module named 'statsd'; install apache-airflow[s",
        "warning [dag_processor] disable_bundle_versioning is True: runs are not pinned to a version",
        "warning no bundle of the class factory.bundle.PipelineBundle is configured",
    ):
        assert any(line.startswith(said) for line in lines), (said, lines)


def test_each_setting_that_the_docs_set_is_looked_at(tmp_path: Path) -> None:
    """What hosts do to each other counts where a `store` tells of other hosts, too."""
    documented = re.findall(
        r"AIRFLOW__[A-Z_]+", (Path(__file__).parents[3] / "deploy" / "helm-values.yaml").read_text()
    )
    bad = {
        "AIRFLOW__CORE__LAZY_LOAD_PLUGINS": "True",
        "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "30",
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "5",
        "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "5",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "30",
        "AIRFLOW__DAG_PROCESSOR__FILE_PARSING_SORT_MODE": "alphabetical",
        "AIRFLOW__DAG_PROCESSOR__STALE_BUNDLE_CLEANUP_INTERVAL": "1800",
    }
    _, lines = doctor(tmp_path, {"store": f"file://{tmp_path}/store"}, **bad)

    assert bad.keys() == GOOD_SETTINGS.keys()
    assert GOOD_SETTINGS.keys() <= set(documented)
    for name, value in bad.items():
        _, section, key = name.lower().split("__")
        assert any(line.startswith(f"warning [{section}] {key} is {value}: ") for line in lines), (name, lines)


def test_two_bundles_with_one_store_are_an_error(tmp_path: Path) -> None:
    stores = {"one": "team", "two": "team/", "nested": "team/nested"}
    bundles = {name: {"folder": "pipelines", "store": f"file://{tmp_path}/{end}"} for name, end in stores.items()}
    status, lines = doctor_of(tmp_path, bundles)

    assert status == 1
    assert [line for line in lines if line.startswith("error")] == [
        "error   bundle two: it has the store of bundle one, and each would remove what the other needs; give each a "
        "prefix of its own"
    ]


def test_a_wrong_argument_of_the_bundle_is_named(tmp_path: Path) -> None:
    """As people write them; the dag-processor refuses them with the same words."""
    mapping = """must be a mapping of names to texts, such as {"SHOP": "north"}, not """
    said: list[tuple[dict[str, Any], str]] = [
        ({"foldr": "pipelines"}, "unknown `foldr`; its `kwargs` may be environment, folder, keep_days, "),
        ({"environment": ["A=b"]}, f"`environment` {mapping}a list"),
        ({"environment": {"A": 1}}, f"`environment` {mapping}a int for `A`"),
        ({"store": ["s3://bucket"]}, "`store` must be text, not a list"),
        ({"source": "git"}, "`source` must be a mapping, not a str"),
        ({"keep_days": "30"}, "`keep_days` must be a number, 0 or more, not '30'"),
        ({"folder": "pipelines", "source": {}}, "it has both `folder` and `source`; remove one of them"),
    ]
    status, lines = doctor_of(tmp_path, {f"b{number}": kwargs for number, (kwargs, _) in enumerate(said)})

    assert status == 1
    for number, (kwargs, text) in enumerate(said):
        assert any(line.startswith(f"error   bundle b{number}: {text}") for line in lines), lines
        with pytest.raises(BundleError, match=f"^bundle b{number}: {re.escape(text)}"):
            PipelineBundle(name=f"b{number}", **kwargs)


def test_it_looks_at_the_airflow_of_factory_run_that_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pipelines").mkdir()
    home = Home(tmp_path / ".airflow")
    home.prepare()
    settings = Settings(tmp_path / "pipelines", home.path, 8080, 8000, None)
    home.configure(settings, local_environment({}, settings, home).airflow_cfg())
    (tmp_path / "other").mkdir()
    monkeypatch.delenv("AIRFLOW_HOME")

    here = factory("doctor", cwd=tmp_path / "pipelines")
    other = factory("doctor", "--airflow-home", "other", cwd=tmp_path)
    wrong = factory("doctor", "--airflow-home", "nowhere", cwd=tmp_path)

    assert here.stdout.splitlines()[0] == f"ok      home {home.path}, configuration {home.path}/airflow.cfg"
    assert f"ok      bundle pipelines: reads {tmp_path / 'pipelines'}\n" in here.stdout
    assert "warning [" not in here.stdout
    assert other.stdout.startswith(f"ok      home {tmp_path / 'other'}, configuration ")
    assert (other.returncode, other.stdout.count("no bundle of the class")) == (0, 1)
    assert (wrong.returncode, wrong.stderr) == (2, "factory doctor: --airflow-home nowhere: there is no such folder\n")
