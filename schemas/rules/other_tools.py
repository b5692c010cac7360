"""Whose format a file is in that is no pipeline: told by keys at the top that only that tool has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, NamedTuple

from schemas.findings.diagnostics import MOST
from schemas.findings.paths import DataPath

_ELSEWHERE = "move it out of the pipelines folder, or begin its name or its folder's with `_`"
_STEPS = "what runs is in `tasks`, with `uses`, `with` and `needs`"
_GUSTY = "one file holds the DAG and its `tasks`: an `operator` is `uses`, and its arguments are in `with`"


class OtherTool(NamedTuple):
    """`path` is where it shows; `whose` names the format, `help` says what to write."""

    path: DataPath
    whose: str
    help: str


def other_tool(path: str, data: Mapping[str, Any]) -> OtherTool | None:
    """The tool whose file this is; None where nothing tells. `path` is the file's below the pipelines folder."""
    if isinstance(data.get("templates"), dict) and any("extends" in task for task in _mappings(data.get("tasks"))):
        return OtherTool(
            ("templates",), "Airflow's own YAML format", "docs/migrating.md shows a pipeline in both formats"
        )
    if "jobs" in data and "on" in data:
        help_text = (
            "what runs is in `tasks`, when in `schedule`; a command is `uses: bash` with `with: {bash_command: …}`"
        )
        return OtherTool(("jobs",), "a workflow of GitHub Actions", help_text)
    tasks = data["tasks"] if isinstance(data.get("tasks"), list) else []
    for index, task in enumerate(islice(tasks, MOST)):
        if isinstance(task, dict) and str(task.get("type")).startswith("io.kestra."):
            return OtherTool(("tasks", index, "type"), "a flow of Kestra", "a task names what it does in `uses`")
    if data.keys() & {"tasks", "poll"}:
        return None
    if path.rpartition("/")[2] == "METADATA.yml" and data:
        return OtherTool((next(iter(data)),), "gusty's file about a folder", _GUSTY)
    return next((OtherTool(*found) for tell in _FORMATS if (found := tell(data)) is not None), None)


_Found = tuple[DataPath, str, str] | None


def _gusty(data: Mapping[str, Any]) -> _Found:
    if isinstance(data.get("operator"), str):
        return ("operator",), "a task of gusty", _GUSTY
    own = {"task_group_defaults", "extra_tags", "root_tasks", "leaf_tasks", "wait_for_defaults", "leaves_from_spec"}
    key = next((key for key in data if key in own), None)
    return ((key,), "gusty's file about a folder", _GUSTY) if key is not None else None


def _declarative(data: Mapping[str, Any]) -> _Found:
    dags = data.get("dags")
    held = [dag for dag in islice(dags.values(), MOST) if isinstance(dag, dict)] if isinstance(dags, dict) else []
    if not any(dag.keys() & {"operators", "sensors", "do", "flow"} for dag in held):
        return None
    help_text = f"a file is one DAG: {_STEPS}; `class` is `uses`, `flow` is `needs`"
    return ("dags",), "a document of airflow-declarative", help_text


def _blueprint(data: Mapping[str, Any]) -> _Found:
    steps = data.get("steps")
    for key, step in islice(steps.items(), MOST) if isinstance(steps, dict) else ():
        if isinstance(step, dict) and "blueprint" in step:
            return (
                ("steps", key, "blueprint"),
                "a DAG of Blueprint",
                f"{_STEPS}; a template is a function or an operator",
            )
    return (("blueprint",), "a DAG of Blueprint", _STEPS) if "blueprint" in data else None


def _composer(data: Mapping[str, Any]) -> _Found:
    if "actions" in data and data.keys() & {"pipelineId", "modelVersion"}:
        return ("actions",), "an orchestration pipeline of Cloud Composer", f"{_STEPS}; `triggers` are `schedule`"
    return None


def _with_keys(whose: str, *keys: str) -> Callable[[Mapping[str, Any]], _Found]:
    """A file that has all of these keys."""
    return lambda data: ((keys[0],), whose, _ELSEWHERE) if data.keys() >= set(keys) else None


def _compose(data: Mapping[str, Any]) -> _Found:
    found = _mappings(list(data["services"].values())) if isinstance(data.get("services"), dict) else ()
    return (
        (("services",), "a Docker Compose file", _ELSEWHERE)
        if any({"image", "build"} & s.keys() for s in found)
        else None
    )


def _dbt(data: Mapping[str, Any]) -> _Found:
    kind = next(
        (key for key in data if key in ("models", "sources", "seeds", "snapshots", "exposures", "macros")), None
    )
    if kind is not None and (data.get("version") == 2 or isinstance(data[kind], list)):  # dbt's schema files
        return (kind,), "a file of dbt", _ELSEWHERE
    for key, profile in islice(data.items(), MOST):
        if isinstance(profile, dict) and profile.keys() >= {"target", "outputs"}:
            return (key,), "dbt's `profiles.yml`", _ELSEWHERE
    is_project = "name" in data and data.keys() & {"model-paths", "profile", "source-paths", "config-version"}
    return (("name",), "a project of dbt", _ELSEWHERE) if is_project else None


def _gitlab(data: Mapping[str, Any]) -> _Found:
    jobs = [job for job in islice(data.values(), MOST) if isinstance(job, dict) and "script" in job]
    return (("stages",), "a GitLab CI file", _ELSEWHERE) if "stages" in data and jobs else None


_FORMATS: tuple[Callable[[Mapping[str, Any]], _Found], ...] = (
    _gusty,
    _declarative,
    _blueprint,
    _composer,
    _compose,
    _dbt,
    _with_keys("a Kubernetes manifest", "apiVersion", "kind"),
    _with_keys("an OpenAPI description", "openapi", "info"),
    _with_keys("a configuration of pre-commit", "repos"),
    _with_keys("a template of CloudFormation", "Resources"),
    _with_keys("an environment of conda", "channels", "dependencies"),
    _with_keys("a configuration of MkDocs", "site_name"),
    _gitlab,
)


def _mappings(entries: Any) -> list[dict[str, Any]]:
    return [entry for entry in islice(entries, MOST) if isinstance(entry, dict)] if isinstance(entries, list) else []
