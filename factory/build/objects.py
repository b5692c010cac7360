"""`{$object: dotted.path, with: {…}}` → the Python object it stands for."""

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
from factory.runtime.function_reference import FunctionReference
from factory.runtime.user_modules import make_importable
from schemas.findings.paths import DataPath
from schemas.model.fields import OBJECT, PythonObject
from schemas.source import Function, NotInstalled, SourceReader


@dataclass(frozen=True)
class ObjectBuilder:
    """Makes Python objects out of what a document says; `timezone` is the pipeline's."""

    code: CodeObjects
    timezone: str

    def value(self, value: Any, path: DataPath) -> Any:
        """A value of any shape, with an object in place of each `{$object: …}` in it; `path` leads to the value.

        Raises an ExceptionGroup of BuildErrors.
        """
        if isinstance(value, PythonObject):
            return self._made(value.object_, value.with_, path)
        if isinstance(value, dict):
            if OBJECT in value:
                return self._made(value[OBJECT], value.get("with"), path)
            return {key: self.value(child, (*path, key)) for key, child in value.items()}
        if isinstance(value, list):
            return [self.value(child, (*path, index)) for index, child in enumerate(value)]
        # Nothing is left of where it came from: what gets it may compare types.
        return str(value) if isinstance(value, str) else value

    def called(self, dotted: str, arguments: Mapping[str, Any], path: DataPath, at: DataPath) -> Any:
        """What calling a class or a function gives; `path` leads to its arguments, `at` to its name.

        Raises an ExceptionGroup of BuildErrors.
        """
        target = self.named(dotted, at)
        values = {name: self.value(value, (*path, name)) for name, value in arguments.items()}
        if inspect.isclass(target):
            values = operator_arguments(target, values, path, self.timezone)
        try:
            return target(**values)
        except (Exception, SystemExit) as error:  # anybody's code
            refused = BuildError(at, f"{dotted} refused its arguments: {one_line(error)}")
            raise ExceptionGroup("object", [refused]) from error

    def found(self, dotted: str, at: DataPath) -> Any:
        """What a dotted path names; a function below the pipelines folder is imported when it is called.

        Raises an ExceptionGroup of BuildErrors.
        """
        if self.code.is_local_function(dotted):
            return FunctionReference(dotted, self.code.folder)
        return self.named(dotted, at)

    def _made(self, dotted: str, arguments: Mapping[str, Any] | None, path: DataPath) -> Any:
        at = (*path, OBJECT)
        return self.found(dotted, at) if arguments is None else self.called(dotted, arguments, (*path, "with"), at)

    def named(self, dotted: str, at: DataPath) -> Any:
        """What a dotted path names, imported. Raises an ExceptionGroup of BuildErrors."""
        try:
            return self.code.named(dotted)
        except CodeObjectError as error:
            raise ExceptionGroup("object", [BuildError(at, str(error))]) from error


class CodeObjectError(Exception):
    """A dotted path cannot be used; its text says why, on one line."""


class CodeObjects:
    """Finds what dotted paths name, with modules below the pipelines folder coming last.

    A function's module is not imported, its source is read (`schemas.source`). Classes are imported, since Airflow
    builds a DAG of their instances; so is what reading cannot decide.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def operator_class(self, path: str) -> type[BaseOperator] | None:
        """The operator class at a dotted path; None for a function. Raises CodeObjectError."""
        # A name in capitals is a class nearly always: reading its bases would only cost time.
        if not path.rpartition(".")[2][:1].isupper() and isinstance(self._reader.find(path), Function):
            return None
        found = self.named(path)
        if inspect.isclass(found):
            if issubclass(found, BaseOperator):
                return found
            raise CodeObjectError(f"{path} is a class, but no Airflow operator or sensor")
        if isinstance(found, BaseOperator) or hasattr(found, "operator_class"):
            raise CodeObjectError(f"{path} is a task already; name the plain function, without a decorator")
        if callable(found):
            return None
        raise CodeObjectError(f"{path} is a value of type {type(found).__name__}, not a function or an operator")

    def notifier_class(self, path: str) -> type | None:
        """The class at a dotted path whose instances tell somebody; None for a function. Raises CodeObjectError."""
        if not path.rpartition(".")[2][:1].isupper() and isinstance(self._reader.find(path), Function):
            return None
        found = self.named(path)
        if inspect.isclass(found) and issubclass(found, BaseOperator):
            raise CodeObjectError(f"{path} is an operator, not a notifier")
        if inspect.isclass(found):
            return found
        if callable(found) and not hasattr(found, "operator_class"):
            return None
        raise CodeObjectError(f"{path} is a value of type {type(found).__name__}, not a function or a notifier")

    def is_async(self, path: str) -> bool:
        """Whether the function at a dotted path is a coroutine function. Raises CodeObjectError."""
        found = self._reader.find(path)
        return found.is_async if isinstance(found, Function) else inspect.iscoroutinefunction(self.named(path))

    def is_local(self, found: type) -> bool:
        """Whether a class stands below the pipelines folder."""
        return Path(inspect.getfile(found)).resolve().is_relative_to(self.folder.resolve())

    @cached_property
    def _reader(self) -> SourceReader:
        return SourceReader(self.folder)

    def named(self, path: str) -> Any:
        """What a dotted path names, imported; a name in a class, too. Raises CodeObjectError."""
        module, _, name = path.rpartition(".")
        holder = self.named(module) if module.rpartition(".")[2][:1].isupper() else self._module(path, module)
        try:
            return getattr(holder, name)
        except AttributeError:
            kind = "class" if inspect.isclass(holder) else "module"
            raise CodeObjectError(f"{path}: the {kind} `{module}` has no `{name}`") from None
        except (Exception, SystemExit) as error:  # a module's own `__getattr__` is anybody's code, too
            raise CodeObjectError(f"{path}: taking `{name}` from `{module}` failed: {_named(error)}") from error

    def is_local_function(self, path: str) -> bool:
        """Whether the path names a plain function below the pipelines folder; nothing is imported."""
        found = self._reader.find(path)
        return isinstance(found, Function) and found.local

    def _module(self, path: str, module: str) -> Any:
        make_importable(self.folder)
        try:
            return importlib.import_module(module)
        except ModuleNotFoundError as error:
            found = self._reader.find(path)
            package = f"`{found.distribution_hint}`" if isinstance(found, NotInstalled) else "its package"
            raise CodeObjectError(f"{path}: there is no module `{error.name}`; is {package} installed?") from None
        except (Exception, SystemExit) as error:  # importing runs anybody's code, which may raise anything
            raise CodeObjectError(f"{path}: importing `{module}` failed: {_named(error)}") from error


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {one_line(error)}"
