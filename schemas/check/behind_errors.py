"""What a mistake hides: findings that show once it is out of the way, so that nobody lints a file twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from schemas.check.recovery import Recovered, noted, recovered
from schemas.findings.codes import Code
from schemas.findings.diagnostics import MOST, Diagnostic
from schemas.text.document import Document, Parse, document_from_text
from schemas.text.edits import EditedText

Check = Callable[[Sequence[Document]], Iterable[Diagnostic]]
"""The findings of documents that can be read: defaults, then the pipeline's own."""

_MOST_LEVELS = 4
"""Of keys with a slip inside each other's values."""
_OF_A_PART = frozenset(
    {
        *(Code.UNKNOWN_KEY, Code.WRONG_TYPE, Code.WRONG_VALUE, Code.CONFLICTING_KEYS, Code.TASK_SETTING_IN_WITH),
        *(Code.BAD_CRON, Code.UNKNOWN_PRESET, Code.UNKNOWN_TIMEZONE, Code.NO_SUCH_DATE, Code.END_BEFORE_START),
        *(Code.STEP_WITHOUT_EFFECT, Code.RANGE_OF_ONE, Code.WRONG_ARGUMENT, Code.NOT_CALLABLE),
        *(Code.BAD_EXPRESSION, Code.EXPRESSION_NOT_ALLOWED),
        *(Code.UNKNOWN_MODULE, Code.UNKNOWN_NAME, Code.UNKNOWN_USES, Code.UNKNOWN_ARGUMENT, Code.MOVED_PATH),
        *(Code.SECRET_VARIABLE, Code.SECRET_IN_URL, Code.LITERAL_SECRET, Code.METADATA_ADDRESS),
        *(Code.USES_NOT_ALLOWED, Code.HOST_NOT_ALLOWED),
    }
)
"""Findings that hold whatever is in the part of a text that was left out."""


def behind_reading(
    documents: Sequence[Document], found: Sequence[Diagnostic], parse: Parse, check: Check
) -> list[Diagnostic]:
    """`found`, which keeps some of the documents from being read, and what they hide."""
    broken = [document for document in documents if document.diagnostics]
    repaired = {document.file: recovered(document, parse) for document in broken}
    usable = {file: one for file, one in repaired.items() if one is not None}
    if len(usable) < len(broken) or any(not isinstance(d.data, dict) for d in documents if d not in broken):
        lost = {d.diagnostics[0] for d in broken if repaired[d.file] is None}
        return [noted(d, "the rest of the file was not checked") if d in lost and d.text else d for d in found]
    complete = all(one.complete for one in usable.values())
    layers = [usable[d.file].document if d.file in usable else d for d in documents]
    unread = [d for one in usable.values() for d in one.found]
    behind = list(_checked(layers, usable, check, complete=complete))
    if any(d.code is Code.FOREIGN_DIALECT for d in behind):  # that has its own rules for documents in a file
        unread = [d for d in unread if d.code is not Code.SEVERAL_DOCUMENTS]
    return [*unread, *_apart(behind, unread)]


def _checked(
    layers: Sequence[Document], repaired: dict[str, Recovered], check: Check, *, complete: bool
) -> Iterable[Diagnostic]:
    for finding in check(layers):
        one = repaired.get(finding.file)
        if (complete or finding.code in _OF_A_PART) and (one is None or finding.span.line not in one.unsure):
            yield one.text.in_original(finding, finding.file) if one is not None else finding


def behind_typos(
    documents: Sequence[Document], found: Sequence[Diagnostic], parse: Parse, check: Check
) -> list[Diagnostic]:
    """`found` as it is with the keys of the last document that have a slip repaired: what they hide shows, what they
    alone were the cause of does not."""
    last = documents[-1]
    text, now, typos = EditedText.of(last.text), found, list[Diagnostic]()
    for _ in range(_MOST_LEVELS):
        slips = [d for d in now if d.code is Code.UNKNOWN_KEY and d.fix is not None and d.file == last.file]
        if len(slips) >= MOST:
            break  # nobody fixes so many and looks for more
        edited = text.edited(d.fix for d in slips if d.fix is not None)
        document = parse(edited.text, last.file) if slips else None
        if document is None or not isinstance(document.data, dict) or document.diagnostics:
            break
        typos += slips if now is found else [text.in_original(d, last.file) for d in slips]
        text, now = edited, list(check([*documents[:-1], document]))
    if not typos or last.dialect:
        return list(found)
    said = {(d.file, d.span) for d in typos}
    return [*typos, *(d for d in (text.in_original(d, last.file) for d in now) if (d.file, d.span) not in said)]


def behind_fixes(
    document: Document,
    found: Sequence[Diagnostic],
    check: Callable[[Document], tuple[object | None, Sequence[Diagnostic]]],
) -> Iterator[Diagnostic]:
    """What else is wrong in a document that has no model, as if the slips were fixed that keep it from having one;
    nothing, if one of `found` cannot be. `check` gives the model and the findings."""
    text, model = EditedText.of(document.text), None
    while model is None and found and all(one.fix is not None for one in found):
        text = text.edited(one.fix for one in found if one.fix is not None)
        model, found = check(document_from_text(text.text, document.file))
        yield from (text.in_original(one, document.file) for one in found)


def _apart(more: Iterable[Diagnostic], found: Sequence[Diagnostic]) -> Iterable[Diagnostic]:
    """Those on lines of which nothing is said yet: the same place is said to be wrong once."""
    said = {(d.file, d.span.line) for d in found}
    return (d for d in more if (d.file, d.span.line) not in said)
