"""What dotted paths name: `{$object: dotted.path, with: {…}}` → Python objects, `notifications` → Airflow's callbacks,
and `deadline` → DeadlineAlerts."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier, BaseOperator

from factory.build.arguments import aware, operator_arguments, plain_data
from factory.build.errors import BuildError, BuildErrors, one_line
from factory.operators import make_importable
from factory.operators.functions import FunctionNotifier, FunctionReference
from schemas.findings.paths import DataPath
from schemas.model.fields import OBJECT, Model, PythonObject
from schemas.model.notifications import NOTIFIERS, Deadline, Notification
from schemas.source import Function, NotInstalled, SourceReader

if TYPE_CHECKING:
    from airflow.sdk.definitions.callback import AsyncCallback, SyncCallback
    from airflow.sdk.definitions.deadline import BaseDeadlineReference, DeadlineAlert


@dataclass(frozen=True)
class ObjectBuilder:
    """Finds what dotted paths name, modules below the pipelines `folder` last, and makes objects of it.

    The module of a function is not imported, its source is read (`schemas.source`). Classes are imported, since
    Airflow builds a DAG of their instances; so is what reading source cannot decide. `timezone` is the pipeline's.

    `at` is the place of a dotted path in the document. Every method raises BuildError, or an ExceptionGroup of them.
    """

    folder: Path
    timezone: str

    def value(self, value: Any, path: DataPath) -> Any:
        """A value of any shape, each `{$object: …}` in it replaced by the object; `path` leads to the value."""
        if isinstance(value, PythonObject):
            return self._object(value.object_, value.with_, path)
        if isinstance(value, dict):
            if OBJECT in value:
                return self._object(value[OBJECT], value.get("with"), path)
            return {key: self.value(child, (*path, key)) for key, child in value.items()}
        if isinstance(value, list):
            return [self.value(child, (*path, index)) for index, child in enumerate(value)]
        # Plain text, without the place that it came from: whoever gets it may compare types.
        return str(value) if isinstance(value, str) else value

    def _object(self, dotted: str, arguments: Mapping[str, Any] | None, path: DataPath) -> Any:
        at = (*path, OBJECT)
        if arguments is not None:
            return self.called(dotted, arguments, (*path, "with"), at)
        found = self._reader.find(dotted)
        if isinstance(found, Function) and found.local:
            return FunctionReference(dotted, self.folder)
        return self.named(dotted, at)

    def called(self, dotted: str, arguments: Mapping[str, Any], path: DataPath, at: DataPath) -> Any:
        """What calling a class or a function returns; `path` leads to its arguments."""
        target = self.named(dotted, at)
        values = {name: self.value(value, (*path, name)) for name, value in arguments.items()}
        if inspect.isclass(target):
            values = operator_arguments(target, values, path, self.timezone)
        try:
            return self.made(dotted, target, values)
        except (Exception, SystemExit) as error:  # anybody's code
            raise BuildError(at, f"{dotted} refused its arguments: {one_line(error)}") from error

    def made(self, dotted: str, target: Any, arguments: Mapping[str, Any]) -> Any:  # noqa: ARG002 # a subclass keeps it
        """What calling the object at a dotted path returns. Raises what it raises."""
        return target(**arguments)

    def named(self, dotted: str, at: DataPath) -> Any:
        """What a dotted path names, imported; also a name in a class."""
        module, _, name = dotted.rpartition(".")
        is_class = module.rpartition(".")[2][:1].isupper() and self.module_of(dotted) != module
        holder = self.named(module, at) if is_class else self._module(dotted, module, at)
        try:
            return getattr(holder, name)
        except AttributeError:
            kind = "class" if inspect.isclass(holder) else "module"
            raise BuildError(at, f"{dotted}: the {kind} `{module}` has no `{name}`") from None
        except (Exception, SystemExit) as error:  # a module's own `__getattr__` is anybody's code, too
            message = f"{dotted}: getting `{name}` from `{module}` failed: {type(error).__name__}: {one_line(error)}"
            raise BuildError(at, message) from error

    def operator_class(self, dotted: str, at: DataPath) -> type[BaseOperator] | None:
        """The operator class at a dotted path; None for a function."""
        found = self._class_or_value(dotted, at)
        if inspect.isclass(found):
            if issubclass(found, BaseOperator):
                return found
            raise BuildError(at, f"{dotted} is a class, but not an Airflow operator or sensor")
        if isinstance(found, BaseOperator) or hasattr(found, "operator_class"):
            raise BuildError(at, f"{dotted} is already a task; name the plain function, without a decorator")
        if isinstance(found, Function) or callable(found):
            return None
        raise BuildError(at, f"{dotted} is a value of type {type(found).__name__}, not a function or an operator")

    def notifier_class(self, dotted: str, at: DataPath) -> type | None:
        """The notifier class at a dotted path; None for a function."""
        found = self._class_or_value(dotted, at)
        if inspect.isclass(found):
            if issubclass(found, BaseOperator):
                raise BuildError(at, f"{dotted} is an operator, not a notifier")
            return found
        if isinstance(found, Function) or (callable(found) and not hasattr(found, "operator_class")):
            return None
        raise BuildError(at, f"{dotted} is a value of type {type(found).__name__}, not a function or a notifier")

    def is_async(self, dotted: str, at: DataPath) -> bool:
        """Whether the function at a dotted path is a coroutine function."""
        found = self._reader.find(dotted)
        return found.is_async if isinstance(found, Function) else inspect.iscoroutinefunction(self.named(dotted, at))

    def is_local(self, found: type) -> bool:
        """Whether a class is defined below the pipelines folder."""
        return Path(inspect.getfile(found)).resolve().is_relative_to(self.folder.resolve())

    def module_of(self, dotted: str) -> str:
        """The module that a dotted path leads into: before the first capital, where reading source cannot tell."""
        parts = dotted.split(".")
        capital = next((index for index, part in enumerate(parts) if index and part[:1].isupper()), len(parts) - 1)
        return self._reader.module_of(dotted) or ".".join(parts[:capital])

    @cached_property
    def _reader(self) -> SourceReader:
        return SourceReader(self.folder)

    def _class_or_value(self, dotted: str, at: DataPath) -> Any:
        """What a dotted path names: a Function that reading source finds, else the imported object."""
        # A capitalized name is nearly always a class: reading its bases would only cost time.
        found = None if dotted.rpartition(".")[2][:1].isupper() else self._reader.find(dotted)
        return found if isinstance(found, Function) else self.named(dotted, at)

    def _module(self, dotted: str, module: str, at: DataPath) -> Any:
        make_importable(self.folder)
        try:
            return importlib.import_module(module)
        except ModuleNotFoundError as error:
            found = self._reader.find(dotted)
            package = f"`{found.distribution_hint}`" if isinstance(found, NotInstalled) else "its package"
            raise BuildError(at, f"{dotted}: there is no module `{error.name}`; is {package} installed?") from None
        except (Exception, SystemExit) as error:  # importing runs anybody's code, which may raise anything
            message = f"{dotted}: importing `{module}` failed: {type(error).__name__}: {one_line(error)}"
            raise BuildError(at, message) from error


@dataclass(frozen=True)
class Seen(ObjectBuilder):
    """An ObjectBuilder that knows of each object, by its `id`, the dotted path and the arguments of the call that made
    it (None for what is as its module has it), and what the operators and groups of each path were made of."""

    seen: dict[int, tuple[Any, str, Mapping[str, Any] | None]] = field(default_factory=dict)
    tasks: dict[DataPath, tuple[type, dict[str, Any]]] = field(default_factory=dict)
    groups: dict[DataPath, tuple[Any, dict[str, Any]]] = field(default_factory=dict)

    def made(self, dotted: str, target: Any, arguments: Mapping[str, Any]) -> Any:
        found = super().made(dotted, target, arguments)
        self.seen[id(found)] = (found, dotted, arguments)
        return found

    def named(self, dotted: str, at: DataPath) -> Any:
        found = super().named(dotted, at)
        if not isinstance(found, str | int | float | tuple | None):
            self.seen.setdefault(id(found), (found, dotted, None))
        return found

    def is_callback(self, dotted: str) -> bool:
        """Whether a function takes what Airflow's callbacks take, and nothing else."""
        found = self._reader.find(dotted)
        parameters = found.parameters if isinstance(found, Function) else None
        return [parameter.name for parameter in parameters or ()] == ["context"]


def build_callbacks(
    notifications: Model, path: DataPath, objects: ObjectBuilder
) -> dict[str, list[Callable[..., Any]]]:
    """Airflow's `on_…_callback` arguments for the notifications at `path`; `null` is an empty list.

    Raises an ExceptionGroup of BuildErrors.
    """
    callbacks: dict[str, list[Callable[..., Any]]] = {}
    errors = BuildErrors()
    for event in type(notifications).model_fields:
        if event not in notifications.model_fields_set:
            continue
        callbacks[f"{event}_callback"] = made = []
        for index, notification in enumerate(getattr(notifications, event) or ()):
            with errors.collected():
                at = (*path, event, index, "uses")
                dotted, arguments, notifier = _notifier(notification, at, objects)
                made.append(FunctionNotifier(dotted, objects.folder, arguments) if notifier is None else notifier)
    errors.check()
    return callbacks


def build_deadlines(
    deadlines: Deadline | Sequence[Deadline], path: DataPath, objects: ObjectBuilder
) -> list[DeadlineAlert]:
    """One alert for each notification: an alert of Airflow's calls one function.

    Raises an ExceptionGroup of BuildErrors.
    """
    from airflow.sdk.definitions.deadline import DeadlineAlert  # noqa: PLC0415 # few pipelines have deadlines

    placed = (
        [(deadlines, path)] if isinstance(deadlines, Deadline) else [(d, (*path, i)) for i, d in enumerate(deadlines)]
    )
    alerts: list[DeadlineAlert] = []
    errors = BuildErrors()
    for deadline, place in placed:
        for number, notification in enumerate(deadline.notify):
            with errors.collected():
                callback = _deadline_callback(notification, (*place, "notify", number, "uses"), objects)
                name = None if deadline.name is None else str(deadline.name)
                alerts.append(DeadlineAlert(_reference(deadline, objects.timezone), deadline.within, callback, name))
    errors.check()
    return alerts


def _notifier(notification: Notification, at: DataPath, objects: ObjectBuilder) -> tuple[str, dict[str, Any], Any]:
    """The dotted path that a notification uses, its arguments, and the notifier made of them; None for a function.

    `at` is the place of `uses`. Raises BuildError.
    """
    dotted = NOTIFIERS.get(str(notification.uses), str(notification.uses))
    arguments = plain_data(notification.with_)
    notifier = objects.notifier_class(dotted, at)
    if notifier is None:
        return dotted, arguments, None
    try:
        return dotted, arguments, objects.made(dotted, notifier, arguments)
    except (Exception, SystemExit) as error:  # constructors raise anything
        raise BuildError.refused(at, error, notifier.__name__) from error


def _reference(deadline: Deadline, timezone: str) -> BaseDeadlineReference:
    from airflow.sdk.definitions.deadline import DeadlineReference  # noqa: PLC0415 # as above

    match deadline.from_:
        case datetime() as date:
            return DeadlineReference.FIXED_DATETIME(aware(date, timezone))
        case "queued_at":
            return DeadlineReference.DAGRUN_QUEUED_AT
        case "logical_date":
            return DeadlineReference.DAGRUN_LOGICAL_DATE
        case _:
            return DeadlineReference.AVERAGE_RUNTIME(deadline.max_runs or 0, deadline.min_runs)


def _deadline_callback(
    notification: Notification, at: DataPath, objects: ObjectBuilder
) -> AsyncCallback | SyncCallback:
    from airflow.sdk.definitions.callback import AsyncCallback, SyncCallback  # noqa: PLC0415 # as above

    dotted, arguments, notifier = _notifier(notification, at, objects)
    if notifier is None:
        is_async = objects.is_async(dotted, at)
    else:
        kind_of_notifier = type(notifier)
        own = getattr(kind_of_notifier, "async_notify", BaseNotifier.async_notify) is not BaseNotifier.async_notify
        # The triggerer can run a notifier that is installed and has an asynchronous method of its own.
        is_async = own and not objects.is_local(kind_of_notifier)
    # As Airflow reads it from the serialized DAG: the constructors would import the function here.
    kind: type[AsyncCallback | SyncCallback] = AsyncCallback if is_async else SyncCallback
    made: AsyncCallback | SyncCallback = kind.deserialize({"path": dotted, "kwargs": arguments}, version=1)
    return made
