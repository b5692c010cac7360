"""`{$object: dotted.path, with: {…}}` → the Python object it stands for."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from factory.code_objects import CodeObjectError, CodeObjects
from factory.errors import BuildError, one_line
from factory.function_reference import FunctionReference
from factory.operator_arguments import operator_arguments
from schemas.data_path import DataPath
from schemas.python_object import OBJECT, PythonObject


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
