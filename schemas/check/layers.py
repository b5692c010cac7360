"""The documents that pipelines are made of, each read once: files, and the folder defaults above them."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.findings.codes import Code
from schemas.findings.diagnostics import LET_READ, Diagnostic, Span
from schemas.folder.dialect import DEFAULTS_NAMES, may_be_dag_factory
from schemas.folder.discovery import defaults_paths, folders_above, is_defaults_path, path_problem
from schemas.folder.project import SUFFIXES, is_template_path, known, packages, template_name, template_paths
from schemas.rules.other_tools import other_list
from schemas.text.document import MAX_BYTES, Document, Parse, document_from_bytes, document_from_text, read_document

if TYPE_CHECKING:
    from schemas.dagfactory.reading import DagFactoryDocument
    from schemas.source import FactCache


@dataclass(frozen=True)
class Kept:
    """What one check hands to the next in a process that checks at each key: of files that did not change, the text,
    by path with its version, and what their Python says."""

    facts: FactCache
    texts: dict[str, tuple[tuple[int, int, int], str]] = field(default_factory=dict)


class LayerReader:
    """Reads below one pipelines folder. Paths are POSIX, below it; diagnostics call it `shown_folder`;
    `texts` replace what files hold; `environ` is what dag-factory's documents expand `$NAME` from."""

    def __init__(
        self,
        folder: Path,
        shown_folder: str,
        texts: Mapping[str, bytes],
        environ: Mapping[str, str],
        kept: Kept | None = None,
    ) -> None:
        self._folder = folder
        self._shown_folder = shown_folder
        self._texts = texts
        self._environ = environ
        self._kept = kept.texts if kept is not None else None
        self._documents: dict[str, Document | None] = {}
        self._plain: dict[str, str] = {}
        self._defaults: dict[str, tuple[Document, ...]] = {}
        self._dag_factory: dict[str, DagFactoryDocument | None] = {}
        self._templates: dict[str, Document | None] = {}

    def shown(self, path: str) -> str:
        """The path as the user knows it."""
        return f"{self._shown_folder}/{path}" if self._shown_folder else path

    def document(self, path: str) -> Document | None:
        """A file's document; None where there is no such file."""
        if path not in self._documents:
            self._documents[path] = self._read(path, self.parse)
        return self._documents[path]

    def text(self, path: str) -> str:
        """The text of a file, which need not be read as YAML for it; empty where there is none."""
        document = self._documents.get(path)
        if document is not None:
            return document.text
        if path not in self._plain:
            kept = self._kept if path not in self._texts else None
            self._plain[path] = self._decoded(path) if kept is None else self._unchanged(path, kept)
        return self._plain[path]

    def _unchanged(self, path: str, kept: dict[str, tuple[tuple[int, int, int], str]]) -> str:
        try:
            found = os.stat(os.path.join(self._folder, path))  # noqa: PTH116, PTH118 # a Path costs, for each file
        except OSError:
            return ""
        version = (found.st_mtime_ns, found.st_size, found.st_ino)
        known = kept.get(path)
        if known is None or known[0] != version:
            known = kept[path] = (version, self._decoded(path))
        return known[1]

    def _decoded(self, path: str) -> str:
        return self._raw(path).decode("utf-8-sig", "replace")

    def _raw(self, path: str) -> bytes:
        if path in self._texts:
            return self._texts[path]
        try:
            place = os.path.join(self._folder, path)  # noqa: PTH118 # a Path costs, for each file
            # Reading a named pipe would wait.
            if not stat.S_ISREG(os.stat(place).st_mode):  # noqa: PTH116 # as above
                return b""
            with open(place, "rb") as stream:  # noqa: PTH123 # as above
                return stream.read(MAX_BYTES)
        except OSError:
            return b""  # reading it as a pipeline says what is wrong

    def documents(self, path: str, document: Document | None = None) -> list[Document]:
        """The defaults that hold for a file, then its document: `document`, where it is given, else the file's."""
        own = document or self.document(path) or Document(self.shown(path), "")
        return [*(self.dag_factory_defaults(path) if own.dialect else self.defaults(path)), own]

    def defaults(self, path: str) -> tuple[Document, ...]:
        """The folder defaults that hold for a file, from the root's to the nearest."""
        folder = path.rpartition("/")[0]
        if folder not in self._defaults:
            found = (self.document(place) for place in defaults_paths(path))
            self._defaults[folder] = tuple(document for document in found if document is not None)
        return self._defaults[folder]

    def template(self, name: str) -> Document | None:
        """The file of a template; None where there is none of that name."""
        if name not in self._templates:
            self._templates[name] = self._template(name)
        return self._templates[name]

    def template_names(self) -> Sequence[str]:
        """The names of all templates: the folder's own, then those of packages, with the package's name before them."""
        typed = [path for path in self._texts if is_template_path(path)]
        found = [template_name(path) for path in (*template_paths(self._folder), *typed)]
        names = [name for name in found if (meant := known(name)) is not None and not meant.package]
        for prefix, package in packages().items():
            names += [f"{prefix}.{file.stem}" for file in package.folder.iterdir() if file.suffix in SUFFIXES]
        return list(dict.fromkeys(names))

    @property
    def template_files(self) -> set[str]:
        """The templates that were read, as diagnostics call them."""
        own = {path: document for path, document in self._documents.items() if is_template_path(path)}
        return {one.file for one in (*own.values(), *self._templates.values()) if one is not None}

    def template_file(self, path: str) -> Document | None:
        """The document of a template's path in the folder; None where there is no such file."""
        if path not in self._documents:
            self._documents[path] = self._read(path, document_from_text)
        return self._documents[path]

    def _template(self, name: str) -> Document | None:
        meant = known(name)
        if meant is None:
            return None
        if not meant.package:
            found = (self.template_file(path) for path in meant.paths)
            return next((document for document in found if document is not None), None)
        package = packages().get(meant.package)
        place = self.template_place(name)
        return read_document(place, f"{package.shown}/{place.name}") if package and place else None

    def template_place(self, name: str) -> Path | None:
        """Where the file of a template is; None where there is none."""
        meant = known(name)
        package = packages().get(meant.package) if meant is not None and meant.package else None
        if meant is None or (meant.package and package is None):
            return None
        folder = package.folder if package is not None else self._folder
        return next((folder / path for path in meant.paths if (folder / path).is_file()), None)

    def dag_factory_defaults(self, path: str) -> list[DagFactoryDocument]:
        """The defaults of dag-factory that hold for a file, from the root's to the nearest: one of each folder."""
        found = (self.dag_factory_default(folder) for folder in folders_above(path))
        return [document for document in found if document is not None]

    def parse(self, text: str, shown: str) -> Document:
        """A text as a document of this project's language, or of dag-factory's where it is one."""
        if may_be_dag_factory(text):
            from schemas.dagfactory.reading import dag_factory_document  # noqa: PLC0415 # most folders hold none

            document = dag_factory_document(text, shown, self._environ)
            if document is not None:
                return document
        return document_from_text(text, shown)

    def dag_factory_default(self, folder: str) -> DagFactoryDocument | None:
        """The defaults of dag-factory in a folder, given as the start of a path in it; None without any."""
        if folder not in self._dag_factory:
            from schemas.dagfactory.reading import DagFactoryDocument, read_dag_factory  # noqa: PLC0415 # as above

            document: Document | None = None
            for name in DEFAULTS_NAMES:
                document = document or self._read(
                    f"{folder}{name}", lambda text, shown: read_dag_factory(text, shown, self._environ)
                )
            if document is not None and not isinstance(document, DagFactoryDocument):
                document = DagFactoryDocument(document.file, document.text, diagnostics=document.diagnostics)
            self._dag_factory[folder] = document
        return self._dag_factory[folder]

    def _read(self, path: str, parse: Parse) -> Document | None:
        place, shown = self._folder / path, self.shown(path)
        if path in self._texts:
            return document_from_bytes(self._texts[path], shown, parse)
        if not os.path.lexists(place) or (is_defaults_path(path) and os.path.isdir(place)):  # noqa: PTH112 # never raises
            return None
        problem = path_problem(self._folder, path)
        if problem is None:
            return read_document(place, shown, parse)
        help_text = LET_READ if problem.endswith("permission denied") else ""
        found = Diagnostic(Code.UNREADABLE, f"it {problem}", shown, Span(1, 1, 1, 2), help=help_text)
        return Document(shown, "", diagnostics=(found,))


def unusable(documents: Sequence[Document]) -> list[Diagnostic]:
    """What keeps documents, the pipeline's own last, from being merged."""
    findings = [d for document in documents for d in document.diagnostics]
    for document in documents:
        if not document.diagnostics and not isinstance(document.data, dict | None):
            findings.append(_not_a_mapping(document))
    last = documents[-1]
    if last.data is None and not last.diagnostics:
        message = "the file is empty: a pipeline needs `poll` or `tasks`"
        findings.append(Diagnostic(Code.EMPTY_FILE, message, last.file, Span(1, 1, 1, 2), text=last.text))
    return findings


def _not_a_mapping(document: Document) -> Diagnostic:
    kind = "a list" if isinstance(document.data, list) else "a single value"
    other = other_list(document.data) if isinstance(document.data, list) else None
    if other is not None:
        message, at = f"this is {other[0]}, not this project's", Span(1, 1, 1, 2)
        return Diagnostic(Code.FOREIGN_DIALECT, message, document.file, at, help=other[1], text=document.text)
    colon = isinstance(document.data, str) and ":" in document.data
    return Diagnostic(
        Code.WRONG_TYPE,
        f"the file must be a mapping (`key: value` lines), not {kind}",
        document.file,
        document.value_span(()),
        caret="is a space missing after the `:`?" if colon else "",
        text=document.text,
    )
