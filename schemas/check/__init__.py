"""Path or text → `CheckResult`: the one way into the language, for lint and for the build."""

from schemas.check.checker import Checker, check_file, check_folder, check_text
from schemas.check.files import CheckOptions
from schemas.check.result import Checked, CheckedDagFactoryDag, CheckedPipeline, CheckResult

__all__ = [
    "CheckOptions",
    "CheckResult",
    "Checked",
    "CheckedDagFactoryDag",
    "CheckedPipeline",
    "Checker",
    "check_file",
    "check_folder",
    "check_text",
]
