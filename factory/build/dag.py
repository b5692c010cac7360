"""A checked pipeline → an Airflow DAG. The one way in: `build`."""

from __future__ import annotations

from typing import Any

import pendulum
from airflow.sdk import DAG, Asset

from factory.build.arguments import aware, without_file
from factory.build.errors import BuildError, BuildErrors, PipelineBuildError
from factory.build.objects import ObjectBuilder, build_callbacks, build_deadlines
from factory.build.settings import build_default_args, build_params
from factory.build.state import build_state
from factory.build.tasks import OperatorBuilder, build_tasks, key_named_in
from factory.build.timetable import AnyTimetable, build_timetable
from schemas.check import CheckedPipeline
from schemas.model.pipeline import Pipeline
from schemas.rules.objects import OF_A_DAG

# Imports inside functions: every process that parses a DAG pays for its imports again, and few pipelines need these.
# ruff: noqa: PLC0415


# Same name and meaning in the language and in airflow.sdk.DAG; what is not written is left to Airflow.
AS_WRITTEN = (
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


def build(
    pipeline: CheckedPipeline, objects: ObjectBuilder | None = None, tasks: type[OperatorBuilder] = OperatorBuilder
) -> DAG:
    """Build the DAG of a pipeline; `objects` and `tasks` may be such that see what is made.

    Of the user's Python modules, only those of operator classes are imported; no database, Variable or Connection is
    read. Two builds of one pipeline give the same DAG in every process.

    Raises PipelineBuildError with all that Airflow, an operator or an import refused, each at its place in the
    document.
    """
    model = pipeline.model
    objects = objects or ObjectBuilder(pipeline.folder, model.timezone)
    errors = BuildErrors()
    arguments = dag_arguments(pipeline, objects, errors)
    default_args = arguments.get("default_args", {})
    try:
        dag = DAG(pipeline.dag_id, **arguments)
    except Exception as error:  # attrs validators and Airflow's own raise several types
        errors.append(_refused(error, arguments))
        # A bare DAG takes the tasks, so that their errors are found in the same pass.
        dag = DAG(pipeline.dag_id, default_args=default_args)
    # Airflow takes it from `start_date`, else from its configuration.
    dag.timezone = pendulum.timezone(model.timezone)
    with dag:
        errors += build_tasks(model, dag, tasks(default_args, objects))
        build_state(dag, max_active_runs=model.max_active_runs)
    if not errors and _is_watched(model):
        from factory.build.state import share_watch

        share_watch(dag, arguments["schedule"][0])
    if not errors:
        try:
            # What Airflow does when it takes a DAG in (`DagBag`).
            dag.validate()  # type: ignore[no-untyped-call] # Airflow's has no annotations
        except Exception as error:  # as above
            errors.append(_refused(error, arguments))
    if errors:
        raise PipelineBuildError(pipeline.dag_id, errors)
    return dag


def dag_arguments(pipeline: CheckedPipeline, objects: ObjectBuilder, errors: BuildErrors) -> dict[str, Any]:
    """What Airflow's DAG is made of, without its id."""
    model = pipeline.model
    beside = (pipeline.folder / pipeline.file).parent
    arguments = {name: value for name in AS_WRITTEN if (value := getattr(model, name)) is not None}
    arguments |= {
        "catchup": model.catchup,
        "is_paused_upon_creation": model.is_paused_upon_creation,
        "tags": set(model.tags),
        # Where `.sql` and `.sh` files are looked for.
        "template_searchpath": list(dict.fromkeys((str(beside), str(pipeline.folder)))),
    }
    if model.schedule == "@continuous":
        # Airflow refuses more, and its default is more.
        arguments.setdefault("max_active_runs", 1)
    if model.doc_md is not None:
        arguments["doc_md"] = without_file(model.doc_md)
    for name in ("start_date", "end_date"):
        if (date := getattr(model, name)) is not None:
            arguments[name] = aware(date, model.timezone)
    with errors.collected():
        arguments["params"] = build_params(
            model.params or {}, ("params",), needs_defaults=model.schedule is not None or _is_watched(model)
        )
    with errors.collected():
        arguments["default_args"] = build_default_args(model, objects)
    with errors.collected():
        arguments["schedule"] = _schedule(pipeline, objects)
    if model.deadline is not None:
        with errors.collected():
            arguments["deadline"] = build_deadlines(model.deadline, ("deadline",), objects)
    for name in OF_A_DAG:
        if (value := getattr(model, name)) is not None:
            with errors.collected():
                arguments[name] = objects.value(value, (name,))
    if model.notifications is not None:
        with errors.collected():
            arguments |= build_callbacks(model.notifications, ("notifications",), objects)
    return arguments


def _is_watched(model: Pipeline) -> bool:
    return model.poll is not None and model.poll.watch is not None


def _schedule(pipeline: CheckedPipeline, objects: ObjectBuilder) -> AnyTimetable | list[Asset]:
    poll = pipeline.model.poll
    if poll is None or poll.watch is None:
        return build_timetable(pipeline.model.schedule, objects)
    from factory.build.state import build_watch

    return [build_watch(pipeline.dag_id, poll, poll.watch.every, pipeline.model.timezone)]


def _refused(error: Exception, arguments: dict[str, Any]) -> BuildError:
    key = key_named_in(str(error), [name for name in arguments if name in Pipeline.model_fields])
    return BuildError.refused(() if key is None else (key,), error)
