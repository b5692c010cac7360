"""A task: what it does (`uses`, `with`), what it waits for (`needs`), and Airflow's settings beside them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Optional, TypeAlias

from pydantic import Field, PlainValidator, WithJsonSchema, create_model

from schemas.model.built_ins import BUILT_INS, built_in
from schemas.model.fields import Matrix, Model, PlainValue, TaskOutput
from schemas.model.notifications import TaskNotifications
from schemas.model.settings import TaskSettings
from schemas.model.task_base import Mapped, MappedRows, TaskBase, TaskId

TEMPLATE = "template"
"""The key of an entry of `tasks` that takes its tasks from a template."""


class CodeTask(TaskBase):
    """Calls a Python function, or runs an Airflow operator or sensor."""

    uses: str
    """Dotted path of a function or of an operator class."""
    with_: dict[str, PlainValue] = Field(default={}, alias="with")
    """Arguments of the function or the operator, by name. `${tasks.ID.output}` gives another task's output."""

    @property
    def written_arguments(self) -> Mapping[str, Any]:
        return self.with_


def is_group(entry: Any) -> bool:
    """Whether an entry of `tasks` is a group."""
    return isinstance(entry, dict) and "tasks" in entry and "uses" not in entry


def task_model(entry: Any) -> type[TaskBase | Group]:
    """The model that checks an entry of `tasks`, whether the entry is right or wrong."""
    if is_group(entry):
        return _taken_group() if TEMPLATE in entry else TaskGroup
    if isinstance(entry, dict) and TEMPLATE in entry and "uses" not in entry:
        return TemplateUse
    uses = entry.get("uses") if isinstance(entry, dict) else None
    if not (isinstance(uses, str) and uses in BUILT_INS):
        return CodeTask
    model = built_in(uses)
    return _without_required_arguments(model) if "expand" in entry or "expand_kwargs" in entry else model


@lru_cache(maxsize=64)
def _without_required_arguments(model: type[TaskBase]) -> type[TaskBase]:
    """In a mapped task, `expand` may give what `with` does not; a rule reports arguments that neither gives."""
    arguments = model.model_fields["with_"].annotation
    if not (isinstance(arguments, type) and issubclass(arguments, Model)):
        return model
    fields = arguments.model_fields.items()
    optional: dict[str, Any] = {
        name: (Annotated[Optional[field.annotation], field], Field(default=None, alias=field.alias))  # noqa: UP045 # of any kind
        for name, field in fields
        if field.is_required()
    }
    partial = create_model(f"Mapped{arguments.__name__}", __base__=arguments, **optional)
    with_ = (partial, Field(default_factory=partial, alias="with"))
    return create_model(f"Mapped{model.__name__}", __base__=model, with_=with_)


@lru_cache(maxsize=1)
def _taken_group() -> type[TaskGroup]:
    """A group with the tasks of its template in it."""
    return create_model("TakenGroup", __base__=TaskGroup, template=(str, ...))


def _validated(entry: Any) -> TaskBase | Group:
    return task_model(entry).model_validate(entry)


TASK_MARK = "an entry of `tasks`"
"""Marks the place of all task models in pydantic's JSON Schema; nothing else needs their union."""

if TYPE_CHECKING:
    Task: TypeAlias = "TaskBase | TaskGroup"
else:
    # Not a union: it would make pydantic build every model of the language for every file.
    Task = Annotated[Any, PlainValidator(_validated), WithJsonSchema({"$comment": TASK_MARK})]


class Group(Model):
    """What groups and templates have in common, in Airflow's words (airflow.sdk.TaskGroup)."""

    id: TaskId
    """Name of the group: letters, digits, `_` and `-`; unique in the file."""
    needs: list[str] = []
    """Ids of the tasks and groups that must finish before any task of the group starts, in `[ ]`."""
    default_args: TaskSettings | None = None
    """Settings for every task of the group; they override the file's."""
    notifications: TaskNotifications | None = None
    """Who is notified about each task of the group."""
    prefix_group_id: bool = True
    """`false`: the ids inside have no `group.` before them."""
    group_display_name: str | None = None
    """Name shown in the UI instead of the id."""
    tooltip: str | None = None
    """Text shown when the mouse is over the group."""
    doc_md: str | None = None
    """Markdown shown with the group."""
    ui_color: str | None = None
    """Colour of the group in the graph: a name or `#rrggbb`."""
    ui_fgcolor: str | None = None
    """Colour of its text in the graph."""
    expand: Mapped | None = None
    """A list for each name: a run makes the whole group once for every combination of their items, and the tasks inside
    read them as `${expand.NAME}`. A list, a mapping, or a task's output."""
    expand_kwargs: MappedRows | None = None
    """Instead of `expand`: a list of mappings, or a task's output. The group runs once for each mapping."""
    matrix: Matrix | None = None
    """One group for each combination of these lists; `${matrix.key}` is the group's own value, also in its `id`."""


class TaskGroup(Group):
    """Tasks that belong together. Their ids are `group.task`."""

    tasks: Annotated[list[Task], Field(min_length=1)]
    """The tasks of the group, and groups inside it. `needs` and references look here first, then in the groups around
    it."""


class TemplateUse(Group):
    """A group whose tasks are those of a template."""

    template: Annotated[str, Field(min_length=1)]
    """Name of the template: of a file `_templates/NAME.yaml` in the pipelines folder, or `PACKAGE.NAME` of an installed
    package."""
    with_: dict[str, PlainValue] = Field(default={}, alias="with")
    """Values of the template's params, by name."""


class TaskTemplate(Model):
    """A file of `_templates`: a group of tasks that pipelines take, and other templates."""

    schema_: str | None = Field(default=None, alias="$schema")
    """Address of this schema, for editors; ignored."""
    description: str | None = None
    """What it is for."""
    params: dict[str, PlainValue] | None = None
    """What those who take it may say, by name: a default, or a JSON Schema mapping. Without `default` it is required.
    Inside, `${params.NAME}` is the value."""
    tasks: Annotated[list[Task], Field(min_length=1)]
    """Its tasks, groups and templates. `needs` and references look here first."""
    outputs: dict[str, TaskOutput] | None = None
    """What it gives, by name: outputs of its tasks. Outside, `${tasks.ID.output.NAME}` is the value."""
