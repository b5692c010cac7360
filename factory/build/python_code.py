"""Python source text: calls, lists, mappings and texts, laid out as ruff does it; the imports that they need, and the
order of statements."""

from __future__ import annotations

import keyword
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from unicodedata import east_asian_width, normalize

from factory.build.edges import Placed, Sources

_WIDEST = 88
"""Columns of a line; ruff's default."""


class NoCodeError(Exception):
    """There is no Python code for something."""


@dataclass(frozen=True, slots=True)
class Brackets:
    """A call, a list or a mapping: `head`, `opening`, the items, each with what stands before it, `closing`."""

    opening: str
    items: tuple[tuple[str, Code], ...]
    closing: str
    head: Code = ""


Code = str | Brackets


def is_name(text: str) -> bool:
    """Whether Python takes a text as a name, and as this one."""
    is_free = not keyword.iskeyword(text) and text != "__debug__"
    return text.isidentifier() and is_free and normalize("NFKC", text) == text


def call(function: Code, arguments: Iterable[Code] = (), /, **named: Code) -> Brackets:
    """A call; a function that is itself code with brackets comes first. Arguments whose names are no names of Python
    are given as `**{"class": …}`."""
    items: list[tuple[str, Code]] = [("", one) for one in arguments]
    for are_names, some in groupby(named.items(), lambda one: is_name(one[0])):
        if are_names:
            items += ((f"{name}=", value) for name, value in some)
        else:
            items.append(("**", mapping((quoted(name), value) for name, value in some)))
    if isinstance(function, str):
        return Brackets(f"{function}(", tuple(items), ")")
    return Brackets("(", tuple(items), ")", function)


def method(code: Code, name: str, arguments: Iterable[Code] = (), /, **named: Code) -> Brackets:
    """A call of a method of what `code` is."""
    return Brackets(f".{name}(", call("", arguments, **named).items, ")", code)


def listed(items: Iterable[Code]) -> Brackets:
    return Brackets("[", tuple(("", item) for item in items), "]")


def mapping(items: Iterable[tuple[str, Code]]) -> Brackets:
    """A mapping; keys are code."""
    return Brackets("{", tuple((f"{key}: ", value) for key, value in items), "}")


def laid_out(code: Code, indent: int = 0, before: str = "", after: str = "") -> str:
    """Lines of code, `before` the first and `after` the last, at an indentation in steps.

    What does not fit on a line has each item on a line of its own and a comma at the end: ruff leaves that so.
    """
    line = _on_one_line(code)
    if isinstance(code, str):
        return f"{before}{code}{after}"
    if line is not None and _width(f"{before}{line}{after}") <= _WIDEST:
        return f"{before}{line}{after}"
    if not code.items:
        return laid_out(code.head, indent, before, f"{code.opening}{code.closing}{after}")
    start = laid_out(code.head, indent, before, code.opening)
    margin = "    " * (indent + 1)
    items = [laid_out(item, indent + 1, f"{margin}{name}", ",") for name, item in code.items]
    return "\n".join([start, *items, f"{margin[4:]}{code.closing}{after}"])


def _on_one_line(code: Code) -> str | None:
    if isinstance(code, str):
        return None if "\n" in code else code
    parts = [_on_one_line(item) for _, item in code.items]
    head = _on_one_line(code.head)
    if head is None or None in parts:
        return None
    items = ", ".join(f"{name}{part}" for (name, _), part in zip(code.items, parts, strict=True))
    return f"{head}{code.opening}{items}{code.closing}"


def _width(line: str) -> int:
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in line)


_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def quoted(text: str, *, on_one_line: bool = False) -> str:
    """Text as a literal: of several lines as a block."""
    if "\n" in text.strip("\n") and not text.startswith(" ") and not on_one_line:
        return _block("".join(one if one == "\n" else _escaped(one) for one in text))
    mark = "'" if text.count('"') > text.count("'") else '"'
    return f"{mark}{''.join(map(_escaped, text)).replace(mark, f'{chr(92)}{mark}')}{mark}"


def formatted(parts: Iterable[tuple[str, bool]]) -> str:
    """An f-string of texts and of code, which has True."""
    written = list(parts)
    texts = "".join(part for part, is_code in written if not is_code)
    block = "\n" in texts.strip("\n")
    mark = '"' if block or texts.count('"') <= texts.count("'") else "'"
    other = "'" if mark == '"' else '"'
    if any((other in part and '"' in part and "'" in part) or "\\" in part for part, is_code in written if is_code):
        return " + ".join(part if is_code else quoted(part) for part, is_code in written)
    body = "".join(
        f"{{{part.replace(mark, other)}}}"
        if is_code
        else "".join(one if block and one == "\n" else _escaped(one) for one in part)
        .replace(mark, mark if block else f"\\{mark}")
        .replace("{", "{{")
        .replace("}", "}}")
        for part, is_code in written
    )
    return f"f{_block(body)}" if block else f"f{mark}{body}{mark}"


def documented(lines: Sequence[str]) -> str:
    """The docstring of a module."""
    body = "\n".join("".join(map(_escaped, line)) for line in lines).replace('"""', '\\"\\"\\"')
    return f'"""{body}{chr(10) if len(lines) > 1 else ""}"""'


def _block(body: str) -> str:
    """Escaped text as a literal of several lines, whose quotes do not end it."""
    inner = body.rstrip('"')
    end = '\\"' * (len(body) - len(inner))
    inner = inner.replace('"""', '\\"\\"\\"')
    return f'"""\\\n{inner}{end}"""'


def _escaped(character: str) -> str:
    if character.isprintable() and character != "\\":
        return character
    return _ESCAPES.get(character) or repr(character)[1:-1]


@dataclass
class Names:
    """The names of a module: those of variables are `taken`, imports find theirs beside them."""

    module_of: Callable[[str], str]
    """The module that a dotted path leads into."""
    taken: set[str] = field(default_factory=set)
    _whole: dict[str, str] = field(default_factory=dict)
    _parts: dict[str, dict[str, str]] = field(default_factory=dict)

    def new(self, *wanted: str) -> str:
        """A variable's name: the first wanted one that is free, as near as a name can be to it."""
        for text in wanted:
            name = "".join(one if f"_{one}".isidentifier() else "_" for one in normalize("NFKC", text)) or "_"
            name = name if is_name(name) else f"_{name}"
            if name not in self.taken:
                break
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def module(self, module: str) -> str:
        """What an imported module is called."""
        if module not in self._whole:
            top = module.partition(".")[0]
            mine = any(known.partition(".")[0] == top == name.partition(".")[0] for known, name in self._whole.items())
            self._whole[module] = self.new(f"{module.replace('.', '_')}_") if top in self.taken and not mine else module
            self.taken.add(top)
        return self._whole[module]

    def of(self, dotted: str) -> str:
        """What a dotted path is called: classes and what is in them by their names, all else behind its module.
        Raises NoCodeError."""
        for part in dotted.split("."):
            if not is_name(part):
                raise NoCodeError(f"`{dotted}` cannot be imported by name: `{part}` is no name in Python code")
        module = self.module_of(dotted)
        name, dot, rest = dotted.removeprefix(f"{module}.").partition(".")
        rest = f"{dot}{rest}"
        if not name[:1].isupper() and not module.startswith(("airflow.", "factory.", "datetime")):
            return f"{self.module(module)}.{name}{rest}"
        known = self._parts.setdefault(module, {})
        if name not in known:
            known[name] = self.new(name if name not in self.taken else f"{module.rpartition('.')[2]}_{name}")
        return f"{known[name]}{rest}"

    def imported(self) -> Iterator[str]:
        """The dotted paths of all that is imported by name."""
        for module, names in self._parts.items():
            yield from (f"{module}.{name}" for name in names)

    def imports(self) -> str:
        """The import statements, sorted: the standard library's first."""
        blocks = []
        for standard in (True, False):
            lines = [
                f"import {module}" if module == name else f"import {module} as {name}"
                for module, name in sorted(self._whole.items())
                if (module.partition(".")[0] in sys.stdlib_module_names) == standard
            ]
            for module, names in sorted(self._parts.items()):
                if (module.partition(".")[0] in sys.stdlib_module_names) == standard:
                    lines += _from(module, names)
            blocks.append("\n".join(lines))
        return "\n\n".join(block for block in blocks if block)


def _from(module: str, names: Mapping[str, str]) -> Iterator[str]:
    """The statements that import names from a module: what gets another name has one of its own, as ruff has it."""
    plain = sorted((name for name, own in names.items() if own == name), key=_import_order)
    statements = [plain] if plain else []
    statements += [[f"{name} as {own}"] for name, own in names.items() if own != name]
    for items in sorted(statements, key=lambda one: _import_order(one[0])):
        line = f"from {module} import {', '.join(items)}"
        block = Brackets(f"from {module} import (", tuple(("", item) for item in items), ")")
        yield line if _width(line) <= _WIDEST else laid_out(block)


def _import_order(item: str) -> tuple[int, str]:
    """Constants, classes, all else."""
    name = item.partition(" ")[0]
    return (0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2), item


@dataclass
class Block:
    """An entry, with what is inside it where it is a group; a group may be opened again."""

    one: Placed
    again: bool = False
    inside: list[Block] = field(default_factory=list)


def ordered(entries: Mapping[str, Placed], sources: Mapping[str, Sources]) -> list[Block]:
    """The statements that make the entries: in the order of the document, but what is used comes before what uses it.
    Raises NoCodeError."""
    done: dict[str, bool] = {}
    linear: list[Placed] = []

    def visit(one: Placed) -> None:
        if one.full_id in done:
            if not done[one.full_id]:
                raise NoCodeError(f"a task outside of the mapped group `{one.full_id}` is between two inside it")
            return
        done[one.full_id] = False
        inside = [entry for entry in entries.values() if one in entry.around] if one.is_mapped_group else []
        for entry in (one, *inside):
            for source in (*sources[entry.full_id].arguments, *sources[entry.full_id].mapped):
                if entries[source] not in inside:
                    visit(entries[source])
        if one.group is not None:
            visit(one.group)
        done[one.full_id] = True
        linear.append(one)
        for entry in inside:
            visit(entry)

    for one in entries.values():
        if not one.is_group or one.is_mapped_group:
            visit(one)
    return _nested(linear)


def _nested(linear: Sequence[Placed]) -> list[Block]:
    """Entries in the blocks of their groups; what is between two tasks of a group closes it for a while."""
    blocks: list[Block] = []
    open_: list[Block] = []
    for one in linear:
        groups = [*one.around][::-1]
        while open_ and [block.one for block in open_] != groups[: len(open_)]:
            open_.pop()
        opened = [*(Block(group, again=True) for group in groups[len(open_) :]), Block(one)]
        for block in opened:
            (open_[-1].inside if open_ else blocks).append(block)
            if block.one.is_group:
                open_.append(block)
    return blocks


def walked(blocks: Sequence[Block]) -> Iterator[Block]:
    """The blocks, and all in them."""
    for block in blocks:
        yield block
        yield from walked(block.inside)
