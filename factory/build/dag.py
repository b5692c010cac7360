"""A checked pipeline → an Airflow DAG. The one way in: `build`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pendulum
from airflow.sdk import DAG, Asset
from airflow.sdk.bases.timetable import BaseTimetable

from factory.build.errors import BuildError, PipelineBuildError, one_line
from factory.build.objects import CodeObjects, ObjectBuilder
from factory.build.operators import OperatorBuilder, key_named_in
from factory.build.params import build_params
from factory.build.settings import build_default_args
from factory.build.state import build_state
from factory.build.tasks import build_tasks
from factory.build.timetable import build_timetable
from factory.build.values import aware
from schemas.check import CheckedPipeline
from schemas.model.pipeline import Pipeline
from schemas.rules.objects import OF_A_DAG

# Same name and meaning in the language and in airflow.sdk.DAG; what is not written is left to Airflow.
_AS_WRITTEN = (
    "description",
    "doc_md",
    "max_active_runs",
    "max_active_tasks",
    "max_consecutive_failed_dag_runs",
    "dagrun_timeout",
    "fail_fast",
    "render_template_as_native_obj",
    "owner_links",
    "dag_display_name",
    "allowed_run_types",
    "access_control",
    "disable_bundle_versioning",
    "rerun_with_latest_version",
)


def build(pipeline: CheckedPipeline) -> DAG:
    """Build the DAG of a pipeline.

    Imports no Python module of the user's but those of operator classes, and asks no database, Variable or
    Connection. Two builds of one pipeline give the same DAG in every process.

    Raises PipelineBuildError with all that Airflow, an operator or an import refused, each at its place in the
    document.
    """
    objects = ObjectBuilder(CodeObjects(pipeline.folder), pipeline.model.timezone)
    arguments, errors = _dag_arguments(pipeline, objects)
    default_args = arguments.get("default_args", {})
    try:
        dag = DAG(pipeline.dag_id, **arguments)
    except Exception as error:  # attrs validators and Airflow's own raise several types
        errors.append(_refused(error, arguments))
        # A bare DAG takes the tasks, so that their errors are found in the same pass.
        dag = DAG(pipeline.dag_id, default_args=default_args)
    # Airflow takes it from `start_date`, else from its configuration.
    dag.timezone = pendulum.timezone(pipeline.model.timezone)
    builder = OperatorBuilder(default_args, objects)
    with dag:
        errors += build_tasks(pipeline.model, dag, builder)
        build_state(dag, max_active_runs=pipeline.model.max_active_runs)
    if not errors and _is_watched(pipeline.model):
        from factory.build.watch import share_watch  # noqa: PLC0415 # as in _schedule

        share_watch(dag, arguments["schedule"][0])
    if not errors:
        errors += _invalid(dag, arguments)
    if errors:
        raise PipelineBuildError(pipeline.dag_id, errors)
    return dag


def _dag_arguments(pipeline: CheckedPipeline, objects: ObjectBuilder) -> tuple[dict[str, Any], list[BuildError]]:
    model = pipeline.model
    arguments = {name: value for name in _AS_WRITTEN if (value := getattr(model, name)) is not None}
    if model.schedule == "@continuous":
        # Airflow refuses more, and its default is more.
        arguments.setdefault("max_active_runs", 1)
    if model.doc_md is not None and model.doc_md.endswith(".md"):
        # Airflow would read the file of that name, any file of the machine (`airflow.sdk.definitions.dag`).
        arguments["doc_md"] = f"{model.doc_md}\n"
    params, errors = build_params(model.params or {}, needs_defaults=model.schedule is not None or _is_watched(model))
    for name in ("start_date", "end_date"):
        date = getattr(model, name)
        if date is not None:
            arguments[name] = aware(date, model.timezone)
    for name, make in _made(pipeline, objects).items():
        try:
            arguments[name] = make()
        except* BuildError as found:
            errors += [error for error in found.exceptions if isinstance(error, BuildError)]
    if model.notifications is not None:
        from factory.build.notifications import build_callbacks  # noqa: PLC0415 # as in `_made`

        try:
            arguments |= build_callbacks(model.notifications, ("notifications",), objects.code)
        except* BuildError as found:
            errors += [error for error in found.exceptions if isinstance(error, BuildError)]
    arguments |= {
        "catchup": model.catchup,
        "is_paused_upon_creation": model.is_paused_upon_creation,
        "tags": set(model.tags),
        "params": params,
        "template_searchpath": _template_folders(pipeline),
    }
    return arguments, errors


def _is_watched(model: Pipeline) -> bool:
    return model.poll is not None and model.poll.watch is not None


def _schedule(pipeline: CheckedPipeline, objects: ObjectBuilder) -> BaseTimetable | list[Asset]:
    poll = pipeline.model.poll
    if poll is None or poll.watch is None:
        return build_timetable(pipeline.model.schedule, objects)
    from factory.build.watch import build_watch  # noqa: PLC0415 # few pipelines watch, and triggers are costly to import

    return [build_watch(pipeline.dag_id, poll, poll.watch.every)]


def _made(pipeline: CheckedPipeline, objects: ObjectBuilder) -> dict[str, Callable[[], Any]]:
    """What holds Python objects, each to be made on its own, so that all that is refused is found."""
    model = pipeline.model
    made: dict[str, Callable[[], Any]] = {
        "default_args": partial(build_default_args, model, objects),
        "schedule": partial(_schedule, pipeline, objects),
    }
    if model.deadline is not None:
        # Imported where they are used: every import is paid again in each process that parses a DAG.
        from factory.build.deadlines import build_deadlines  # noqa: PLC0415

        made["deadline"] = partial(build_deadlines, model.deadline, objects.timezone, objects.code)
    for name in OF_A_DAG:
        value = getattr(model, name)
        if value is not None:
            made[name] = partial(objects.value, value, (name,))
    return made


def _template_folders(pipeline: CheckedPipeline) -> list[str]:
    """Where `.sql` and `.sh` files are looked for: beside the pipeline, then from the pipelines folder."""
    beside = (pipeline.folder / pipeline.file).parent
    return list(dict.fromkeys((str(beside), str(pipeline.folder))))


def _invalid(dag: DAG, arguments: dict[str, Any]) -> list[BuildError]:
    """What Airflow's own validation says when it takes a DAG in (`DagBag`)."""
    try:
        dag.validate()  # type: ignore[no-untyped-call] # Airflow's has no annotations
    except Exception as error:  # as above
        return [_refused(error, arguments)]
    return []


def _refused(error: Exception, arguments: dict[str, Any]) -> BuildError:
    key = key_named_in(str(error), [name for name in arguments if name in Pipeline.model_fields])
    return BuildError(() if key is None else (key,), f"Airflow refused it: {one_line(error)}")
