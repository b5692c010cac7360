"""What the files of a pipelines folder say, each read once: their DAGs, ids, environments and language."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from schemas.check.language import language_of
from schemas.check.layers import Kept, LayerReader, unusable
from schemas.compose.merging import declared
from schemas.compose.variants import Variant
from schemas.findings.diagnostics import Diagnostic
from schemas.folder.dialect import may_be_dag_factory
from schemas.folder.discovery import default_dag_id, is_pipeline_path, pipeline_paths
from schemas.folder.project import ENVIRONMENT_VARIABLE, is_template_path, template_name, template_paths
from schemas.model.task import TEMPLATE
from schemas.rules import ids
from schemas.rules.subject import Subject
from schemas.rules.team_policy import Policy
from schemas.text.document import Document
from schemas.text.nodes import plain_scalar

_DAG_ID = r"(?m)^dag_id[ \t]*:[ \t]+(?P<quote>[\"']?)(?P<id>[\w.-]+)(?P=quote)[ \t]*(?:#.*)?$"
_OTHER_DAG_ID = r"\w+_dag_id"
_ESCAPE = r"\\[xuU\r\n]"
_PLAINLY_WRITTEN = re.compile(r"[^\s\\'\"]+")


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """How strict a check is and what it may look at.

    `environ` gives `${env.…}` their values. `environment` is the chosen one of a file's `environments`, empty for none;
    without it `PIPELINE_ENVIRONMENT` of `environ` says. `every_environment` also looks for findings in all that a file
    declares. `require_environment` makes an unset variable an error. `read_sources` checks `uses` and `with` against
    the source code that they name; a task start does without, its version was checked before. `only_errors`: the reader
    of SQL, which only warns, is not imported; the dag-processor shows errors alone. `shown_folder` is what diagnostics
    call the pipelines folder. `texts` replace the content of the folder's files, by path below it: what an
    editor has not saved yet, or what a fix would write. `policy` is for lint: the build knows none. `kept` is of the
    checks before.
    """

    environ: Mapping[str, str] | None = None
    environment: str | None = None
    every_environment: bool = False
    require_environment: bool = False
    read_sources: bool = True
    only_errors: bool = False
    shown_folder: str = "pipelines"
    policy: Policy | None = None
    texts: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    kept: Kept | None = field(default=None, repr=False)


class Files:
    """The files of one pipelines folder. Paths are POSIX, below it."""

    def __init__(self, folder: Path, options: CheckOptions | None = None) -> None:
        self.folder_path = folder
        self.options = options if options is not None else CheckOptions()
        self.environ = os.environ if self.options.environ is None else self.options.environ
        chosen = self.options.environment
        self.environment = (self.environ.get(ENVIRONMENT_VARIABLE) if chosen is None else chosen) or None
        self._environments: dict[str, tuple[str, ...]] = {}
        self.layers = LayerReader(
            folder, self.options.shown_folder, self.options.texts, self.environ, self.options.kept
        )

    def paths(self) -> Sequence[str]:
        """All pipelines, sorted; those that the options give a text, too."""
        texts = [path for path in self.options.texts if is_pipeline_path(path)]
        return sorted({*pipeline_paths(self.folder_path), *texts})

    def template_paths(self) -> Sequence[str]:
        """All templates of the folder, sorted."""
        return sorted({*template_paths(self.folder_path), *filter(is_template_path, self.options.texts)})

    def takers(self, template: str) -> Iterator[str]:
        """The pipelines that take the template of a path, be it in another template or in one environment."""
        from schemas.compose.task_rows import templates_in  # noqa: PLC0415 # few folders hold templates

        name = template_name(template)
        for path in self.paths():
            found = (self.variants_in(path, one) for one in (self.environment, *self.environments_of(path)))
            if TEMPLATE in self.layers.text(path) and any(
                name in templates_in(variant.effective.data.get("tasks")) for made in found for variant in made
            ):
                yield path

    def variants(self, path: str) -> tuple[Variant, ...]:
        """The DAGs of a file, right or wrong; none where it or a default above it cannot be read."""
        return self.variants_in(path, self.environment)

    def variants_in(self, path: str, environment: str | None) -> tuple[Variant, ...]:
        """The same in another environment."""
        documents = self.layers.documents(path)
        is_usable = self.layers.document(path) is not None and not unusable(documents)
        if not is_usable:
            return ()
        return language_of(documents[-1]).variants(path, documents, environment, templates=self.layers)

    def dialect(self, path: str) -> str:
        """The language that a file is written in; empty for this project's, and where it cannot be read."""
        if not may_be_dag_factory(self.layers.text(path)):
            return ""
        document = self.layers.document(path)
        return document.dialect if document is not None else ""

    def environments(self) -> tuple[str, ...]:
        """The names of all environments that pipelines of the folder, or defaults above them, declare."""
        return tuple(dict.fromkeys(name for path in self.paths() for name in self.environments_of(path)))

    def environments_of(self, path: str) -> tuple[str, ...]:
        """The names of the environments that one pipeline, or the defaults above it, declare."""
        if path not in self._environments:
            layers = (*self.layers.defaults(path), self.layers.document(path))
            self._environments[path] = declared(layer for layer in layers if layer is not None)
        return self._environments[path]

    def dag_ids(self, path: str) -> tuple[str, ...]:
        """The DAG ids that a file claims, right or wrong."""
        return self._dag_ids(path, self.environment)

    def claims(self, path: str) -> tuple[str, ...]:
        """The DAG ids that a file is sure to claim: none while it cannot be read."""
        return self.claims_in(path, self.environment)

    def claims_in(self, path: str, environment: str | None) -> tuple[str, ...]:
        """The same in another environment."""
        document = self.layers.document(path)
        return self._dag_ids(path, environment) if document is not None and isinstance(document.data, dict) else ()

    def _dag_ids(self, path: str, environment: str | None) -> tuple[str, ...]:
        document = self.layers.documents(path)[-1]
        ids = language_of(document).dag_ids(path, document, environment)
        if ids is None:
            ids = tuple(dict.fromkeys(variant.dag_id for variant in self._readable(path, environment)))
        return ids

    def possible_dag_ids(self, path: str) -> frozenset[str] | None:
        """The DAG ids that a file may claim, by a look at its text; None where only reading it tells."""
        text = self.layers.text(path)
        if may_be_dag_factory(text) or ("\\" in text and re.search(_ESCAPE, text)):
            return None
        mentions = text.count("dag_id")
        if mentions:
            mentions -= len(re.findall(_OTHER_DAG_ID, text))
        if not mentions:
            return frozenset({default_dag_id(path)})
        written = [match["id"] for match in re.finditer(_DAG_ID, text)]
        is_clear = mentions == 1 and len(written) == 1 and isinstance(plain_scalar(written[0]), str)
        return frozenset(written) if is_clear else None

    def may_hold(self, path: str, words: re.Pattern[str]) -> bool:
        """Whether a file, or defaults above it, may hold a value of `as_pattern`, by a look at the texts."""
        return any(
            "${vars" in text or "${matrix" in text or TEMPLATE in text or re.search(_ESCAPE, text) or words.search(text)
            for text in (self.layers.text(path), *(document.text for document in self.layers.defaults(path)))
        )

    def has_mark(self, path: str, marks: Iterable[str]) -> bool:
        """Whether the text of a file, or of defaults above it, holds one of these words."""
        for text in [self.layers.text(path), *[document.text for document in self.layers.defaults(path)]]:
            for mark in marks:  # no generator: each rule asks, of every file
                if mark in text:
                    return True
            if TEMPLATE in text or ("\\" in text and re.search(_ESCAPE, text)):
                return True
        return False

    def duplicate(self, path: str, dag_id: str, others: Iterable[str], environment: str | None = None) -> Diagnostic:
        """The finding that other files claim a file's DAG id, too."""
        subject = self._subject(path, dag_id, environment or self.environment)
        return ids.conflict_finding(subject, dag_id, [self.layers.shown(other) for other in others])

    def subject(self, path: str, dag_id: str) -> Subject:
        """What rules see of a file's DAG; of a file that cannot be read, an empty document."""
        return self._subject(path, dag_id, self.environment)

    def _subject(self, path: str, dag_id: str, environment: str | None) -> Subject:
        found = self._readable(path, environment)
        return Subject(path, next((v for v in found if v.dag_id == dag_id), found[0]).effective)

    def _readable(self, path: str, environment: str | None) -> tuple[Variant, ...]:
        """A file's DAGs, at least one, made of what can be read."""
        documents = self.layers.documents(path)
        readable = [document for document in documents if isinstance(document.data, dict)]
        layers = readable or [Document(documents[-1].file, "")]
        return language_of(layers[-1]).variants(path, layers, environment, templates=self.layers)


def as_pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Finds values in a YAML text, as whole words; all texts are found where one may be written in several ways."""
    words = sorted(words)
    plain = all(_PLAINLY_WRITTEN.fullmatch(word) for word in words)
    return re.compile(rf"(?<![\w./-])(?:{'|'.join(map(re.escape, words))})(?![\w./-])" if plain else "")
