"""The operators behind the built-in tasks that Airflow has none for; here, what a process needs before it uses any.

dag-factory reports every run to its makers unless it is told not to; `turn_off_telemetry` tells it.

The modules below a pipelines folder are importable, last in line, and never through bytecode.
Python takes bytecode for a source file of the same size and the same time in whole seconds, whatever the content.
A pipelines folder is edited while it is in use, restored from git and copied with its times, so its modules are
compiled from their text each time. Nothing is written either: a bundle's folders hold what it put there.
"""

from __future__ import annotations

import importlib
import os
import sys
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

_OPTION = "AIRFLOW__DAG_FACTORY__ENABLE_TELEMETRY"
_PLUGIN = "dagfactory.plugin"


def turn_off_telemetry() -> None:
    """Keep dag-factory of this process and of those that it starts from reporting, where nobody has asked for it."""
    if _OPTION in os.environ:
        return
    os.environ[_OPTION] = "False"
    settings = sys.modules.get("dagfactory.settings")
    if settings is not None:  # Airflow has loaded dag-factory's plugin first
        settings.enable_telemetry = False  # type: ignore[attr-defined] # a module of dag-factory


def leave_out_telemetry() -> None:
    """Where tasks run without an Airflow: turn it off, and spare a third of a second for a plug-in that only reports.

    Airflow loads it by the entry point `dagfactory.plugin`, which is found here, without a plug-in in it.
    """
    turn_off_telemetry()
    sys.modules.setdefault(_PLUGIN, ModuleType(_PLUGIN)).__dict__.setdefault("DagFactoryPlugin", None)


class FreshSourceLoader(SourceFileLoader):
    """Compiles a module from its source; bytecode is neither read nor written."""

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class _FolderHook:
    """A path hook (`sys.path_hooks`) for one folder and all below it."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, path: str) -> FileFinder:
        if path != self.folder and not path.startswith(self.folder + "/"):
            raise ImportError(f"{path} is not below {self.folder}")
        return FileFinder(path, (FreshSourceLoader, SOURCE_SUFFIXES))


def make_importable(folder: Path) -> None:
    """Let `import` find the modules below `folder`, after all others, as Airflow does for a bundle's folder.

    It holds for this process and may be called again. Modules that are imported already stay as they are.
    """
    path = str(folder)
    if path not in sys.path:
        sys.path.append(path)
    if not any(isinstance(hook, _FolderHook) and hook.folder == path for hook in sys.path_hooks):
        sys.path_hooks.insert(0, _FolderHook(path))
        for known in list(sys.path_importer_cache):
            if known == path or known.startswith(path + "/"):
                del sys.path_importer_cache[known]
    importlib.invalidate_caches()
