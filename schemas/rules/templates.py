"""`{{ … }}` and `${…}` that nothing can render."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType

from schemas.expressions.templates import Tag, tags
from schemas.findings.codes import Code
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath
from schemas.findings.suggestions import meant
from schemas.rules.settings import CONDITIONS
from schemas.rules.subject import Subject

_COUNT_IN_SHELL = (
    "the shell's `${#…}` begins a comment for Jinja: write `{% raw %}` before it and `{% endraw %}` behind it"
)
_OPENED = re.compile(r"\$\{(?:env|vars|matrix|tasks)\.[^\s{}\"']*")
_SHELL_VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>[A-Za-z_]\w*)\}")
_GITHUB = "${{"


def check_brackets(subject: Subject) -> Iterator[Diagnostic]:
    """Jinja would raise when the task runs; an expression of ours would go to the task as text."""
    if not subject.may_hold("{{", "{%", "{#", "${"):
        return
    for path, text in subject.template_texts:
        yield from _expressions(subject, path, text)
        yield from _shell_variable_in_url(subject, path, text)
        if path[0] == "poll" or "with" in path or path[-1] in CONDITIONS:
            yield from _templates(subject, path, text)


def _expressions(subject: Subject, path: DataPath, text: str) -> Iterator[Diagnostic]:
    at = text.find(_GITHUB)
    if at >= 0:
        yield subject.finding(
            Code.BAD_EXPRESSION,
            path,
            "`${{ … }}` is GitHub's",
            help="write `${…}` for a value that is known when the file is read, `{{ … }}` for one of the run",
            part=(at, at + len(_GITHUB)),
        )
        return
    for match in _OPENED.finditer(text):
        if text[match.end() : match.end() + 1] != "}" and not text.startswith("$", match.start() - 1):
            rest = text[match.end() :]
            if "}" in rest.split("${", 1)[0]:
                continue  # closed further on: what stands inside is read as an expression
            yield subject.finding(
                Code.BAD_EXPRESSION,
                path,
                f"`{match.group()}` is not closed",
                caret="a `}` is missing",
                part=match.span(),
            )


def _shell_variable_in_url(subject: Subject, path: DataPath, text: str) -> Iterator[Diagnostic]:
    """Text in `${ }` stays as it is, which a shell needs and no URL does."""
    match = _SHELL_VARIABLE.search(text)
    if match is None or path[-1] != "url" or not (path[0] == "poll" or "with" in path):
        return
    yield subject.finding(
        Code.BAD_EXPRESSION,
        path,
        f"`{match.group()}` is text here, which no URL holds",
        caret=f"did you mean `${{env.{match['name']}}}`?",
        part=match.span(),
    )


def _templates(subject: Subject, path: DataPath, text: str) -> Iterator[Diagnostic]:
    for tag in tags(text):
        if not tag.is_closed:
            yield subject.finding(
                Code.TEMPLATE_NOT_CLOSED,
                path,
                f"`{tag.opening}` is not closed",
                caret=f"a `{tag.closing}` is missing",
                help=_COUNT_IN_SHELL if tag.opening == "{#" and text.startswith("$", tag.start - 3) else "",
                part=(tag.start - 2, tag.start),
            )


_NO_DASHES = " | replace('-', '')"
REMOVED: Mapping[str, str] = MappingProxyType(
    {
        "conf": "",
        "execution_date": "logical_date",
        "next_ds": "data_interval_end | ds",
        "next_ds_nodash": "data_interval_end | ds_nodash",
        "next_execution_date": "data_interval_end",
        "prev_ds": "macros.ds_add(ds, -1)",
        "prev_ds_nodash": f"macros.ds_add(ds, -1){_NO_DASHES}",
        "prev_execution_date": "data_interval_start",
        "prev_execution_date_success": "prev_data_interval_start_success",
        "tomorrow_ds": "macros.ds_add(ds, 1)",
        "tomorrow_ds_nodash": f"macros.ds_add(ds, 1){_NO_DASHES}",
        "triggering_dataset_events": "triggering_asset_events",
        "yesterday_ds": "macros.ds_add(ds, -1)",
        "yesterday_ds_nodash": f"macros.ds_add(ds, -1){_NO_DASHES}",
    }
)
"""Names of Airflow 2 that Airflow 3 took away → what stands for them; empty: nothing does."""
FILTERS = frozenset(
    {
        *("abs", "attr", "batch", "capitalize", "center", "count", "d", "default", "dictsort", "e", "escape"),
        *("filesizeformat", "first", "float", "forceescape", "format", "groupby", "indent", "int", "items"),
        *("join", "last", "length", "list", "lower", "map", "max", "min", "pprint", "random", "reject"),
        *("rejectattr", "replace", "reverse", "round", "safe", "select", "selectattr", "slice", "sort", "string"),
        *("striptags", "sum", "title", "tojson", "trim", "truncate", "unique", "upper", "urlencode", "urlize"),
        *("wordcount", "wordwrap", "xmlattr", "ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz"),
    }
)
"""Jinja's filters and Airflow's. A test holds the list against both as installed."""
_NAMES = re.compile(rf"(?<![\w.])(?:{'|'.join(REMOVED)})\b(?!\s*=(?!=))")
_FILTER = re.compile(r"\|\s*(?P<name>[A-Za-z_]\w*)")
_MAY_BE_MISSING = re.compile(r"\bdefined\b|\|\s*(?:default|d)\b|\b(?:set|for|macro)\s")
_OPERATOR_LAST = re.compile(r"(?:[+*/%~|.=<>-]|(?<![\w.])(?:and|or|not|in|is|if|else))\s*$")
_OPERATOR_FIRST = re.compile(r"\s*[*/%~|.=<>]")
_BLOCK = re.compile(r"[-+]?\s*(?P<word>\w+)")
_BLOCKS = frozenset({"if", "for", "macro", "filter", "call", "with", "block", "autoescape"})


def check_names(subject: Subject) -> Iterator[Diagnostic]:
    """The task would fail when it runs: Airflow fills in no name that it does not know."""
    if not subject.may_hold("{{", "{%") or subject.data.get("jinja_environment_kwargs"):
        return
    own_names, own_filters = (_keys(subject, f"user_defined_{what}") for what in ("macros", "filters"))
    for path, text in subject.template_texts:
        if not (path[0] == "poll" or "with" in path or path[-1] in CONDITIONS):
            continue
        found = tags(text)
        if any(not tag.is_closed for tag in found):
            continue  # that has a finding of its own, and says nothing about what is behind it
        yield from _blocks(subject, path, found)
        may_be_missing = any(_MAY_BE_MISSING.search(tag.unquoted) for tag in found)
        for tag in found:
            if tag.opening == "{{":
                yield from _expression(subject, path, tag)
            if tag.opening != "{#":
                yield from _filters(subject, path, tag, own_filters)
                if not may_be_missing:
                    yield from _removed(subject, path, tag, own_names)


def _keys(subject: Subject, key: str) -> Collection[str]:
    value = subject.data.get(key)
    return value.keys() if isinstance(value, dict) else ()


def _blocks(subject: Subject, path: DataPath, found: Sequence[Tag]) -> Iterator[Diagnostic]:
    opened: list[tuple[str, Tag]] = []
    for tag in found:
        match = _BLOCK.match(tag.inside) if tag.opening == "{%" else None
        word = match["word"] if match is not None else ""
        if word in _BLOCKS:
            opened.append((word, tag))
        elif word.removeprefix("end") in _BLOCKS:
            if not opened or opened[-1][0] != word.removeprefix("end"):
                inner = f", `{{% {opened[-1][0]} … %}}` is open" if opened else ""
                message = f"`{{% {word} %}}` closes nothing here{inner}"
                yield subject.finding(Code.BAD_TEMPLATE, path, message, part=_whole(tag))
                return
            opened.pop()
    for word, tag in opened[-1:]:
        yield subject.finding(
            Code.TEMPLATE_NOT_CLOSED,
            path,
            f"`{{% {word} … %}}` is not closed",
            caret=f"a `{{% end{word} %}}` is missing",
            part=_whole(tag),
        )


def _expression(subject: Subject, path: DataPath, tag: Tag) -> Iterator[Diagnostic]:
    inside = tag.unquoted.removeprefix("-").removesuffix("-")
    if not inside.strip():
        message = "nothing stands in `{{ }}`, which Jinja cannot read"
    elif (last := _OPERATOR_LAST.search(inside)) is not None:
        message = f"something is missing behind `{last.group().strip()}`"
    elif (first := _OPERATOR_FIRST.match(inside)) is not None:
        message = f"something is missing before `{first.group().strip()}`"
    elif any(inside.count(one) != inside.count(other) for one, other in ("()", "[]")):
        message = "brackets that are opened here are not closed here, or the other way round"
    else:
        return
    yield subject.finding(Code.BAD_TEMPLATE, path, message, part=_whole(tag))


def _filters(subject: Subject, path: DataPath, tag: Tag, own: Collection[str]) -> Iterator[Diagnostic]:
    for match in _FILTER.finditer(tag.unquoted):
        if match["name"] not in FILTERS and match["name"] not in own:
            yield subject.finding(
                Code.BAD_TEMPLATE,
                path,
                f"neither Jinja nor Airflow has a filter `{match['name']}`",
                caret=meant(match["name"], FILTERS),
                part=(tag.start + match.start("name"), tag.start + match.end("name")),
            )


def _removed(subject: Subject, path: DataPath, tag: Tag, own: Collection[str]) -> Iterator[Diagnostic]:
    for match in _NAMES.finditer(tag.unquoted):
        name = match.group()
        if name in own:
            continue
        yield subject.finding(
            Code.BAD_TEMPLATE,
            path,
            f"Airflow 3 gives templates no `{name}` any more",
            caret=f"write `{REMOVED[name]}`" if REMOVED[name] else "",
            help="" if REMOVED[name] else "a connection is `conn.NAME`, a Variable `var.value.NAME`",
            part=(tag.start + match.start(), tag.start + match.end()),
        )


def _whole(tag: Tag) -> tuple[int, int]:
    return tag.start - 2, tag.end + 2
