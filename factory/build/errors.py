"""What can go wrong between a checked pipeline and its DAG."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from schemas.findings.codes import Code
from schemas.findings.paths import DataPath


class BuildError(Exception):
    """Airflow, an operator or an import refused the value at `path` of the document.

    `message` is one line for the person who wrote the file; `code` is the finding's code. The message may quote
    values of environment variables: `factory.loading.pipelines` replaces them.
    """

    def __init__(self, path: DataPath, message: str, code: Code = Code.BUILD_FAILED) -> None:
        super().__init__(message)
        self.path = path
        self.message = message
        self.code = code

    @classmethod
    def refused(cls, path: DataPath, error: BaseException, by: str = "Airflow") -> BuildError:
        """What a constructor or a check of Airflow's, an operator's or a user's raised."""
        return cls(path, f"{by} refused it: {one_line(error)}")


class BuildErrors(list[BuildError]):
    """Errors collected over several steps, so that one pass finds all of them."""

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Keep the BuildErrors that a step raises, alone or in a group, and go on."""
        try:
            yield
        except* BuildError as found:
            self.extend(error for error in found.exceptions if isinstance(error, BuildError))

    def check(self) -> None:
        """Raises an ExceptionGroup of what was collected, if anything was."""
        if self:
            raise ExceptionGroup("build errors", self)


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
