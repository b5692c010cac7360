"""What a dotted path is and takes, by reading source, never importing it: `SourceReader` and its results."""

from schemas.source.facts import Parameter
from schemas.source.files import FactCache
from schemas.source.reader import SourceReader
from schemas.source.results import (
    Class,
    Function,
    Hidden,
    ModuleMissing,
    NameMissing,
    NotAPath,
    NotCallable,
    NotInstalled,
    Result,
    SourceError,
    TaskDecorated,
    Undecidable,
)

__all__ = [
    "Class",
    "FactCache",
    "Function",
    "Hidden",
    "ModuleMissing",
    "NameMissing",
    "NotAPath",
    "NotCallable",
    "NotInstalled",
    "Parameter",
    "Result",
    "SourceError",
    "SourceReader",
    "TaskDecorated",
    "Undecidable",
]
