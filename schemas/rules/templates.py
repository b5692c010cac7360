"""`{{ … }}` that Jinja refuses or that Airflow cannot fill in, and `${…}` that is no expression."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import NamedTuple

from schemas.expressions.template_parts import Template, TemplateProblem, Word
from schemas.expressions.templates import read_template
from schemas.findings.codes import Code, Severity
from schemas.findings.diagnostics import Diagnostic
from schemas.findings.paths import DataPath, walk
from schemas.findings.suggestions import did_you_mean
from schemas.model.task_base import CONTEXT_NAMES
from schemas.rules.settings import CONDITIONS
from schemas.rules.subject import Subject
from schemas.rules.template_context import FOR_ANOTHER, OF_ANOTHER, RAW
from schemas.shape.places import mapping_at

_OPENED = re.compile(r"(?<!\$)\$\{(?:env|vars|matrix|tasks|expand)\.[^\s{}\"']*")
_VALUE = re.compile(r"\$\{(?:params|vars|matrix)\.[^{}]*\}")
_SHELL_VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>[A-Za-z_]\w*)\}")
GITHUB = re.compile(r"(?<!\$)\$\{\{")
_CLOSING = {"{{": "}}", "{%": "%}", "{#": "#}"}
_HINTS = (
    (OF_ANOTHER, FOR_ANOTHER),
    (r"\{\{\{", "write two braces; for a mapping put a space between `{{` and `{`"),
    (r"\{%-?\s*(?:elseif|elsif|else if)\b", "write `elif`"),
    (r"\{%-?\s*(?:let\b|var\b|\w+\s*=(?!=)|set\s+\w+\s+(?!=))", "write `{% set NAME = … %}`"),
    (r"\{%-?\s*unless\b", "write `{% if not … %}`"),
    (r"\{%-?\s*(?:break|continue)\b", "Airflow's Jinja has none: write a condition, `{% for x in … if … %}`"),
    (r"\bthen\b", "leave out `then`"),
    (r"\bfor\s+\w+\s+of\b", "write `for … in …`"),
    (r"\w\s*\.\.\s*\w", "write `range(FROM, TO)`"),
    (r"<>", "write `!=`"),
    (r"\+\+|--(?![%}])", "write `+ 1` or `- 1`"),
    (r"\b(?:contains|matches|startingwith)\b", "write `'…' in …`"),
    (r"\blambda\b", "Jinja has no functions of its own: use filters such as `map` and `select`"),
    (r"[$@#]\w", "a name stands alone: remove the character before it"),
    (r"[\u201c\u201d\u2018\u2019]", "type the quotes again: `\"` or `'`"),
    (r"&&", "write `and`"),
    (r"\|\|", "write `or`"),
    (r"!(?!=)", "write `not`"),
    (r"===|(?<![=!<>])=(?!=)", "write `==` to compare"),
    (r"\?", "write `B if A else C` in place of `A ? B : C`"),
    (r"\b[fF](?=['\"])", "join texts with `~`: `'day ' ~ ds`"),
    (r"[\[({].*\bfor\b.*\bin\b", "use filters such as `map` and `select` in place of a comprehension"),
)
"""What other languages write, in the tag that Jinja refuses → what to write for Jinja."""
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
"""Names of Airflow 2 that Airflow 3 removed → what to write; empty: nothing replaces it."""
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
"""Jinja's filters and Airflow's. A test compares the list with both as installed."""
_OTHER_FILTERS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("len", "size"), "`| length`"),
        **{"split": "`TEXT.split('-')`", "strip": "`| trim`", "str": "`| string`", "filter": "`| select`"},
        **{"lowercase": "`| lower`", "uppercase": "`| upper`", "dump": "`| tojson`", "quote": "`| tojson`"},
        **dict.fromkeys(("fromjson", "from_json", "parse_json"), "`macros.json.loads(…)`"),
        **dict.fromkeys(("regex_replace", "re_replace", "sub"), "`| replace('…', '…')`, which takes no patterns"),
        **{"urldecode": "", "ds_add": "`macros.ds_add(ds, 1)`", "bool": "`== 'true'`", "concat": "`~`"},
        **{"null": "`is none`", "equals": "`is eq`", "str": "`| string`", "empty": "`not …`"},
        **dict.fromkeys(("match", "startingwith", "contains"), "`'…' in …`"),
        **dict.fromkeys(
            ("strftime", "date", "date_format", "format_date", "to_date", "datetime", "dateformat", "isoformat"),
            "`logical_date.strftime('%Y-%m')`: a date is formatted by its own method",
        ),
        "to_datetime": "`macros.datetime.fromisoformat(…)`",
    }
)
"""Filters and tests of other languages → what to write; empty: nothing is like it."""
TESTS = frozenset(
    {
        *("boolean", "callable", "defined", "divisibleby", "eq", "equalto", "escaped", "even", "false", "filter"),
        *("float", "ge", "greaterthan", "gt", "in", "integer", "iterable", "le", "lessthan", "lower", "lt", "mapping"),
        *("ne", "none", "number", "odd", "sameas", "sequence", "string", "test", "true", "undefined", "upper"),
    }
)
"""Jinja's tests. A test compares the list with Jinja's."""


def check_expressions(subject: Subject) -> Iterator[Diagnostic]:
    """`${…}` that is not closed, has braces inside, or is another tool's; the task would get it as text."""
    if not subject.may_hold("${"):
        return
    for path, text in subject.template_texts:
        yield from _expressions(subject, path, text)
        yield from _shell_variable_in_url(subject, path, text)


class Said(NamedTuple):
    """A finding in a template; `part` is its place in the text."""

    code: Code
    message: str
    part: tuple[int, int]
    caret: str = ""
    help: str = ""
    severity: Severity | None = None


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Templates that fail when the task runs: Jinja refuses them, or there is no such filter, test or name."""
    if not subject.may_hold("{{", "{%", "{#", "}}"):
        return
    own_names, own_filters = (mapping_at(subject.data, (f"user_defined_{what}",)) for what in ("macros", "filters"))
    for path, text in rendered_texts(subject):
        for said in said_of_template(text, own_names, own_filters):
            yield subject.finding(said.code, path, said.message, caret=said.caret, help=said.help, part=said.part)
        yield from _without_a_brace(subject, path, text)


def said_of_template(text: str, own_names: Collection[str] = (), own_filters: Collection[str] = ()) -> Iterator[Said]:
    """What is wrong with a template wherever it is; `own_names` and `own_filters` are those that the DAG defines."""
    template = read_template(text)
    for problem in template.problems:
        yield _unclosed(text, problem) if problem.unclosed else _refused(text, problem)
    yield from _unknown_words("filter", template.filters, FILTERS.union(own_filters))
    yield from _unknown_words("test", template.tests, TESTS)
    yield from _removed_names(template, own_names)


def rendered_texts(subject: Subject) -> Iterator[tuple[DataPath, str]]:
    """The texts of tasks that Airflow may render. None where the DAG brings an environment of its own."""
    if not subject.data.get("jinja_environment_kwargs"):
        for path, text in subject.template_texts:
            if path[0] == "poll" or "with" in path or path[-1] in CONDITIONS:
                yield path, text


def _expressions(subject: Subject, path: DataPath, text: str) -> Iterator[Diagnostic]:
    if (github := GITHUB.search(text)) is not None:
        yield subject.finding(
            Code.BAD_EXPRESSION,
            path,
            "`${{ … }}` is GitHub's",
            help="write `${…}` for a value that is known when the file is read, `{{ … }}` for one of the run, and "
            "`$${{ … }}` for a `$` before one of the run",
            part=github.span(),
        )
        return
    text = _VALUE.sub(lambda value: "x" * len(value[0]), text)  # those of the file may be inside of others
    for match in _OPENED.finditer(text):
        inside, closing, _ = text[match.end() :].partition("${")[0].partition("}")
        message, caret, help_text = f"`{match.group()}` is not closed", "a `}` is missing", ""
        if closing and ("{" in inside or match.group().endswith("$")):
            message, caret = f"`{match.group()}…` is literal text", "`${ }` cannot have braces inside"
            help_text = "leave out the default, and set the variable" if match.group().startswith("${env.") else ""
        elif closing:
            continue  # what is inside is read as an expression
        yield subject.finding(Code.BAD_EXPRESSION, path, message, caret=caret, help=help_text, part=match.span())


def _shell_variable_in_url(subject: Subject, path: DataPath, text: str) -> Iterator[Diagnostic]:
    """Text in `${ }` stays as it is, which a shell needs and no URL does."""
    match = _SHELL_VARIABLE.search(text)
    if match is None or path[-1] != "url" or not (path[0] == "poll" or "with" in path):
        return
    yield subject.finding(
        Code.BAD_EXPRESSION,
        path,
        f"`{match.group()}` is literal text here, which is wrong in a URL",
        caret=f"did you mean `${{env.{match['name']}}}`?",
        part=match.span(),
    )


_NEARLY = (
    r"(?<![\w$\\{])(?:\$\(?|\{)?(?P<what>tasks|vars|env|matrix)\.(?P<name>[A-Za-z_][\w-]*)(?:\.output)?[)}]?(?![\w.])"
)
_OUTPUT = r"(?P<name>[\w.-]+)\.output"
_MARKS = tuple(
    map(re.compile, (r"\$\(?(?:vars|tasks|env|matrix)\.", r"\{(?<!\$\{)(?:tasks|vars)\.", r"\.output(?![\w}.\[])"))
)
"""A file without any of it has no near miss. Each begins with a letter of its own, which `re` looks for quickly."""


def check_near_misses(subject: Subject) -> Iterator[Diagnostic]:
    """`$vars.x`, `$(tasks.a.output)`, `{tasks.a.output}`, `a.output`: what is nearly an expression, and stays text."""
    if not any(mark.search(layer.text) for layer in subject.effective.layers for mark in _MARKS):
        return
    names = {"vars": mapping_at(subject.data, ("vars",)), "tasks": {view.id for view in subject.entries}}
    texts = ((task, found) for task in subject.tasks for found in walk(dict(task.arguments)).texts)
    for task, (place, text) in texts:
        whole = re.fullmatch(_OUTPUT, text)
        for match in [whole] if whole is not None else re.finditer(_NEARLY, text):
            name, what = match["name"].removeprefix("tasks."), "tasks" if whole is not None else match["what"]
            if name in names.get(what, ()) and (whole is not None or match.group()[0] in "${"):
                message = f"`{match.group()}` is text here"
                caret = f"write `${{{what}.{name}{'.output' if what == 'tasks' else ''}}}`"
                path, part, severity = (*task.with_path, *place), match.span(), Severity.WARNING
                yield subject.finding(Code.BAD_EXPRESSION, path, message, caret=caret, part=part, severity=severity)


_ONE_BRACE = re.compile(r"(?<![{$\w%])\{ (?P<name>[a-z_]+)(?:\.\w+)* ?\}\}")


def _without_a_brace(subject: Subject, path: DataPath, text: str) -> Iterator[Diagnostic]:
    """`{ ds }}`, whose first brace is missing, which is text for Jinja."""
    for match in _ONE_BRACE.finditer(text) if "}}" in text else ():
        if match["name"] in CONTEXT_NAMES:
            message, caret, severity = f"`{match.group()}` is no template", "a `{` is missing", Severity.WARNING
            part = match.span()
            yield subject.finding(Code.TEMPLATE_NOT_CLOSED, path, message, caret=caret, part=part, severity=severity)


def _unclosed(text: str, problem: TemplateProblem) -> Said:
    tag = text[problem.start : problem.end]
    block = re.match(r"\{%[-+]?\s*(?P<word>\w+)", tag) if tag.endswith("%}") else None
    if block is not None:
        message, caret = f"`{{% {block['word']} … %}}` is not closed", f"a `{{% end{block['word']} %}}` is missing"
        return Said(Code.TEMPLATE_NOT_CLOSED, message, (problem.start, problem.end), caret)
    opening = tag[:2]
    is_count = opening == "{#" and text.startswith("$", problem.start - 1)
    return Said(
        Code.TEMPLATE_NOT_CLOSED,
        f"`{opening}` is not closed",
        (problem.start, problem.start + 2),
        f"a `{_CLOSING[opening]}` is missing",
        f"the shell's `${{#…}}` begins a comment for Jinja: {RAW}" if is_count else "",
    )


def _refused(text: str, problem: TemplateProblem) -> Said:
    """Jinja's message in words that need no knowledge of its parser."""
    tag = text[problem.start : problem.end]
    word = re.compile(r"\w+|\S").match(text, problem.at)
    found = word.group() if word is not None else ""
    message = f"Jinja cannot read this: {problem.message}"
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, tag)), "")
    if text.startswith(("}}", "-}}", "%}", "-%}"), problem.at):
        message = f"something is missing before `{text[problem.at : problem.at + 2]}`"
        opened = next((pair for pair in ("()", "[]") if tag.count(pair[0]) > tag.count(pair[1])), None)
        hint = hint or (f"close the `{opened[0]}` with `{opened[1]}`" if opened is not None else "")
    elif problem.message.startswith("Encountered unknown tag"):
        message = f"Jinja does not expect `{{% {found} %}}` here"
        block = re.search(r"innermost block that needs to be closed is '(\w+)'", problem.message)
        if found.startswith(("end", "fi", "done", "esac")):
            hint = f"write `{{% end{block[1]} %}}`" if block is not None else "there is nothing before it that it ends"
    elif problem.message.startswith(("unexpected", "expected token", "Expected an expression")):
        message = f"Jinja does not expect `{found}` here"
    if not hint and (tag.count("'") % 2 or tag.count('"') % 2):
        hint = "a quote is missing, or put a text with `'` in it into `\"`"
    return Said(Code.BAD_TEMPLATE, message, (problem.start, problem.end), help=hint)


def _unknown_words(what: str, words: tuple[Word, ...], known: Collection[str]) -> Iterator[Said]:
    for word in words:
        if word.text not in known:
            near = next(iter(get_close_matches(word.text, known, n=1, cutoff=0.8)), None)
            message = f"neither Jinja nor Airflow has a {what} `{word.text}`"
            instead = _OTHER_FILTERS.get(word.text)
            help_text = f"write {instead}" if instead else ""
            yield Said(Code.BAD_TEMPLATE, message, word.span, did_you_mean(near) if instead is None else "", help_text)


def _removed_names(template: Template, own: Collection[str]) -> Iterator[Said]:
    for name in template.names:
        if name.text not in REMOVED or name.text in own or name.text in template.optional:
            continue
        new = REMOVED[name.text]
        help_text = "" if new else "a run's configuration is `dag_run.conf`, a Variable `var.value.NAME`"
        message = f"Airflow 3 has removed `{name.text}` from templates"
        yield Said(Code.BAD_TEMPLATE, message, name.span, f"write `{new}`" if new else "", help_text)
