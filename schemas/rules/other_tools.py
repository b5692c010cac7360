"""Whose format a document for another tool has, told by keys at the top that only that tool has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, NamedTuple

from schemas.findings.diagnostics import MOST
from schemas.findings.paths import DataPath

_ELSEWHERE = "move it out of the pipelines folder, or begin its name or its folder's with `_`"
PAGE = "docs/migrating.md"
_STEPS = "what runs is in `tasks`, with `uses`, `with` and `needs`"
COMMAND = "a command is `uses: bash` with `with: {bash_command: …}`"
AIRFLOW = "Airflow's own YAML format"
GUSTY = f"one file is a DAG with its `tasks`: an `operator` is `uses`, and its arguments are in `with` ({PAGE})"


class OtherTool(NamedTuple):
    """`path` is where it shows; `whose` names the format, `help` says what to write."""

    path: DataPath
    whose: str
    help: str


def other_tool(path: str, data: Mapping[str, Any]) -> OtherTool | None:
    """The tool whose file this is; None where nothing tells. `path` is the file's below the pipelines folder."""
    templates = list(data["templates"].values()) if isinstance(data.get("templates"), dict) else []
    extends = any("extends" in task for task in _mappings(data.get("tasks")))
    if templates and (extends or any({"uses", "run", "extends"} & one.keys() for one in _mappings(templates))):
        return OtherTool(("templates",), AIRFLOW, "`factory convert` writes it in this project's format")
    if "jobs" in data and "on" in data:
        help_text = f"what runs is in `tasks`, when in `schedule`; {COMMAND}"
        return OtherTool(("jobs",), "a workflow of GitHub Actions", help_text)
    tasks = data.get("tasks")
    if isinstance(tasks, dict) and any("cmds" in one for one in _mappings(list(tasks.values()))):
        return OtherTool(("tasks",), "a Taskfile", f"`tasks` is a list here; {COMMAND}")
    entries = list(tasks.values()) if isinstance(tasks, dict) else tasks
    if any(_is_of_dag_factory(one, has_id=tasks is not entries) for one in _mappings(entries)):
        help_text = "write the name of the DAG at the top, as `orders:`, and indent all else below it"
        return OtherTool(("tasks",), "a DAG of dag-factory without its name", help_text)
    tasks = tasks if isinstance(tasks, list) else []
    for index, task in enumerate(islice(tasks, MOST)):
        if isinstance(task, dict) and str(task.get("type")).startswith("io.kestra."):
            return OtherTool(("tasks", index, "type"), "a flow of Kestra", "a task names what it does in `uses`")
    if data.keys() & {"tasks", "poll"}:
        return None
    if path.rpartition("/")[2] == "METADATA.yml" and data:
        return OtherTool((next(iter(data)),), "gusty's file about a folder", GUSTY)
    return next((OtherTool(*found) for tell in _FORMATS if (found := tell(data)) is not None), None)


def _is_of_dag_factory(task: Mapping[str, Any], *, has_id: bool) -> bool:
    """Whether a task runs a dotted `operator`; `has_id`: by its key."""
    runs = [task.get(key) for key in ("operator", "decorator")]
    is_named = has_id or "task_id" in task
    return is_named and "uses" not in task and any(isinstance(one, str) and "." in one for one in runs)


_Found = tuple[DataPath, str, str] | None


def _gusty(data: Mapping[str, Any]) -> _Found:
    if isinstance(data.get("operator"), str):
        return ("operator",), "a task of gusty", GUSTY
    own = {"task_group_defaults", "extra_tags", "root_tasks", "leaf_tasks", "wait_for_defaults", "leaves_from_spec"}
    key = next((key for key in data if key in own), None)
    return ((key,), "gusty's file about a folder", GUSTY) if key is not None else None


def _declarative(data: Mapping[str, Any]) -> _Found:
    dags = data.get("dags")
    held = [dag for dag in islice(dags.values(), MOST) if isinstance(dag, dict)] if isinstance(dags, dict) else []
    if not any(dag.keys() & {"operators", "sensors", "do", "flow"} for dag in held):
        return None
    help_text = f"a file is one DAG: {_STEPS}; `class` is `uses`, `flow` is `needs` ({PAGE})"
    return ("dags",), "a document of airflow-declarative", help_text


def _boundary_layer(data: Mapping[str, Any]) -> _Found:
    of_nodes = ("operators", "generators", "sub_dags", "before", "after")
    held = ((key, one) for key in of_nodes for one in _mappings(data.get(key)))
    key = next((key for key, one in held if one.keys() >= {"name", "type"}), None)
    if key is None and any("operators" in one for one in _mappings(data.get("sub_dags"))):
        key = "sub_dags"
    if key is None or "name" not in data:
        return None
    help_text = f"{_STEPS}; `type` is `uses`, `properties` is `with`, `upstream_dependencies` is `needs`"
    return (key,), "a workflow of boundary-layer", f"{help_text} ({PAGE})"


def _blueprint(data: Mapping[str, Any]) -> _Found:
    steps = data.get("steps")
    for key, step in islice(steps.items(), MOST) if isinstance(steps, dict) else ():
        if isinstance(step, dict) and "blueprint" in step:
            help_text = f"{_STEPS}; a template is a function or an operator"
            return ("steps", key, "blueprint"), "a DAG of Blueprint", help_text
    return (("blueprint",), "a DAG of Blueprint", _STEPS) if "blueprint" in data else None


def _composer(data: Mapping[str, Any]) -> _Found:
    if "actions" in data and data.keys() & {"pipelineId", "modelVersion"}:
        return ("actions",), "an orchestration pipeline of Cloud Composer", f"{_STEPS}; `triggers` are `schedule`"
    return None


def _with_keys(data: Mapping[str, Any]) -> _Found:
    found = ((whose, keys) for whose, *keys in _KEYS if data.keys() >= set(keys))
    return next((((keys[0],), whose, _ELSEWHERE) for whose, keys in found), None)


def _compose(data: Mapping[str, Any]) -> _Found:
    found = _mappings(list(data["services"].values())) if isinstance(data.get("services"), dict) else ()
    is_compose = any({"image", "build"} & service.keys() for service in found)
    return (("services",), "a Docker Compose file", _ELSEWHERE) if is_compose else None


def _dbt(data: Mapping[str, Any]) -> _Found:
    kinds = ("models", "sources", "seeds", "snapshots", "exposures", "macros")
    kind = next((key for key in data if key in kinds), None)
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


def _cloud_build(data: Mapping[str, Any]) -> _Found:
    steps = [step for step in _mappings(data.get("steps")) if "name" in step and {"args", "script"} & step.keys()]
    return (("steps",), "a configuration of Cloud Build", _ELSEWHERE) if steps else None


def _dagu(data: Mapping[str, Any]) -> _Found:
    steps = data.get("steps")
    steps = _mappings(list(steps.values()) if isinstance(steps, dict) else steps)
    runs = (step.keys() & {"name", "id"} and step.keys() & {"command", "run"} for step in steps)
    if not any(runs) and not any("depends" in step for step in steps):
        return None
    return ("steps",), "a workflow of Dagu", f"{_STEPS}; {COMMAND}, and `depends` is `needs`"


def _airflow_config(data: Mapping[str, Any]) -> _Found:
    if not str(data.get("_target_")).startswith("airflow_"):
        return None
    help_text = f"a file is one DAG: {_STEPS}; `_target_` is `uses`, `dependencies` is `needs`"
    return ("_target_",), "a configuration of airflow-config", help_text


def _soda(data: Mapping[str, Any]) -> _Found:
    key = next((key for key in islice(data, MOST) if str(key).startswith("checks for ")), None)
    return ((key,), "a file of Soda checks", _ELSEWHERE) if key is not None else None


def _connections(data: Mapping[str, Any]) -> _Found:
    """What `airflow connections import` reads."""
    key = next((k for k, one in islice(data.items(), MOST) if isinstance(one, dict) and "conn_type" in one), None)
    return ((key,), "a file of Airflow connections", _ELSEWHERE) if key is not None else None


_KEYS: tuple[tuple[str, ...], ...] = (
    *(("a Kubernetes manifest", "apiVersion", "kind"), ("an OpenAPI description", "openapi", "info")),
    *(("a configuration of pre-commit", "repos"), ("a template of CloudFormation", "Resources")),
    *(("an environment of conda", "channels", "dependencies"), ("a configuration of MkDocs", "site_name")),
    *(("a project of Prefect", "deployments"), ("a Helm chart", "apiVersion", "name", "version")),
    *(("a Databricks bundle", "bundle"), ("a pipeline of Mage", "blocks", "uuid")),
    *(("a configuration of CircleCI", "workflows", "jobs"), ("an Azure pipeline", "trigger", "steps")),
    *(("a Helm chart's values", "replicaCount"), ("a component of Dagster", "type", "attributes")),
    *(("a Bitbucket pipeline", "pipelines"), ("a workflow of Google Cloud", "main")),
    *(("a service of the Serverless Framework", "service", "provider"),),
    *(
        ("a configuration of Dependabot", "updates", "version"),
        ("a state machine of Step Functions", "StartAt", "States"),
    ),
)
"""Whose a file with all of these keys is."""

_INSIDE = (
    ("resources", ("jobs", "pipelines"), "a part of a Databricks bundle"),
    ("plugins", ("extractors", "loaders", "orchestrators", "utilities"), "a project of Meltano"),
    ("image", ("repository",), "a Helm chart's values"),
    ("images", ("airflow",), "a file of values for Airflow's Helm chart"),
)


def _with_key_inside(data: Mapping[str, Any]) -> _Found:
    """A file that has one of these keys in the mapping at the first."""
    held = ((key, data[key], inside, whose) for key, inside, whose in _INSIDE if isinstance(data.get(key), dict))
    return next((((key,), whose, _ELSEWHERE) for key, one, inside, whose in held if one.keys() & set(inside)), None)


_FORMATS: tuple[Callable[[Mapping[str, Any]], _Found], ...] = (
    _gusty,
    _declarative,
    _boundary_layer,
    _blueprint,
    _composer,
    _compose,
    _dbt,
    _with_keys,
    _with_key_inside,
    _soda,
    _connections,
    _gitlab,
    _cloud_build,
    _airflow_config,
    _dagu,
)


_LISTS = (
    ("an Ansible playbook", ({"hosts"}, {"import_playbook"}, {"ansible.builtin.import_playbook"})),
    ("pre-commit's list of hooks", ({"id", "entry", "language"},)),
    ("a list of Prometheus targets", ({"targets", "labels"},)),
)


def other_list(entries: list[Any]) -> tuple[str, str] | None:
    """Whose file a list is, and what to do with it."""
    for entry in _mappings(entries):
        if any(re.match(r"(?:ansible|community)\.\w+\.\w+$", str(key)) for key in islice(entry, MOST)):
            return "a list of Ansible's tasks", _ELSEWHERE
        whose = next((whose for whose, known in _LISTS if any(entry.keys() >= keys for keys in known)), None)
        if whose is not None:
            return whose, _ELSEWHERE
    return None


def _mappings(entries: Any) -> list[dict[str, Any]]:
    return [entry for entry in islice(entries, MOST) if isinstance(entry, dict)] if isinstance(entries, list) else []
