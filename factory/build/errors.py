"""What can go wrong between a checked pipeline and its DAG."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.findings.codes import Code
from schemas.findings.paths import DataPath


class BuildError(Exception):
    """Airflow, an operator or an import refused what stands at `path` of the document.

    `message` is one line for the person who wrote the file; `code` is what the finding is called. The message may
    quote values of the environment: `factory.loading.diagnosis` takes them out.
    """

    def __init__(self, path: DataPath, message: str, code: Code = Code.BUILD_FAILED) -> None:
        super().__init__(message)
        self.path = path
        self.message = message
        self.code = code


class PipelineBuildError(Exception):
    """Why a pipeline could not be built: all of its `errors`, in document order."""

    def __init__(self, dag_id: str, errors: Iterable[BuildError]) -> None:
        self.dag_id = dag_id
        self.errors = tuple(errors)
        found = "; ".join(f"{'.'.join(map(str, error.path)) or 'the file'}: {error.message}" for error in self.errors)
        super().__init__(f"{dag_id}: {found}")


def one_line(error: BaseException) -> str:
    """An exception's text on one line, or its class where it has none."""
    if isinstance(error, SystemExit):
        return f"it called `sys.exit({error.code!r})`"
    return " ".join(str(error).split()) or type(error).__name__
