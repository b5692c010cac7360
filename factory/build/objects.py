"""Dotted paths and `{$object: dotted.path, with: {…}}` → the Python objects that they name."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperator

from factory.build.arguments import operator_arguments
from factory.build.errors import BuildError, one_line
from factory.operators import make_importable
from factory.operators.functions import FunctionReference
from schemas.findings.paths import DataPath
from schemas.model.fields import OBJECT, PythonObject
from schemas.source import Function, NotInstalled, SourceReader


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
        is_class = module.rpartition(".")[2][:1].isupper()
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
