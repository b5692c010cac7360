"""Path or text → `CheckResult`: the one way into the language, for lint and for the build."""

from schemas.check.checker import (
    Checked,
    CheckedDagFactoryDag,
    CheckedPipeline,
    Checker,
    CheckResult,
    check_file,
    check_folder,
    check_text,
)
from schemas.check.files import CheckOptions

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
