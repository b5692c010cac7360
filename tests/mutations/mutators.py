"""Mistakes as people make them, one a text. Each class gives any number of them by seed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .base import Base, Place

_NEIGHBOURS = {
    a: row[i - 1] if i else row[1] for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm") for i, a in enumerate(row)
}
_SHORTEST_WORD = 4


@dataclass(frozen=True, slots=True)
class Mutation:
    """A text with one mistake. `lines` are where the first finding may stand; `original` is the word that a typo was
    made in, which lint has to suggest."""

    base: str
    kind: str
    text: str
    lines: frozenset[int]
    original: str | None = None
    path: tuple[str | int, ...] = ()


Mutator = Callable[[Base, random.Random], Iterator[Mutation]]


def mutations(base: Base, seed: int, rounds: int) -> Iterator[Mutation]:
    """All classes over one text, `rounds` times with other choices; no text twice."""
    seen: set[str] = {base.text}
    for turn in range(rounds):
        choice = random.Random(f"{seed} {turn} {base.name}")  # noqa: S311 # the same mistakes each time
        for mutator in MUTATORS:
            for mutation in mutator(base, choice):
                if mutation.text not in seen:
                    seen.add(mutation.text)
                    yield mutation


def typo(word: str, choice: random.Random) -> str:
    """A letter left out, doubled, swapped with the next or hit beside; never the first one."""
    at = choice.randrange(1, len(word) - 1)
    match choice.randrange(4):
        case 0:
            return word[:at] + word[at + 1 :]
        case 1:
            return word[:at] + word[at] + word[at:]
        case 2:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        case _:
            return word[:at] + _NEIGHBOURS.get(word[at], "x") + word[at + 1 :]


def _replaced(base: Base, place: Place, new: str, kind: str, original: str | None = None) -> Mutation:
    line = base.line(place.start)
    text = base.text[: place.start] + new + base.text[place.end :]
    return Mutation(base.name, kind, text, frozenset({line}), original, place.path)


def key_typos(base: Base, choice: random.Random) -> Iterator[Mutation]:
    for place in base.keys:
        if len(place.written) >= _SHORTEST_WORD and place.plain:
            kind = "typo in an argument" if "with" in place.path[:-1] else "typo in a key"
            yield _replaced(base, place, typo(place.written, choice), kind, place.written)


def value_typos(base: Base, choice: random.Random) -> Iterator[Mutation]:
    words = {"uses", "method", "trigger_rule", "weight_rule", "timezone"}
    for place in base.values:
        if place.path[-1] in words and len(place.written) >= _SHORTEST_WORD:
            head, dot, tail = place.written.rpartition(".")
            if dot:
                parts = [(f"{typo(head, choice)}.{tail}", head), (f"{head}.{typo(tail, choice)}", tail)]
                for new, word in parts:
                    yield _replaced(base, place, new, "typo in a dotted path", word)
            else:
                yield _replaced(base, place, typo(place.written, choice), "typo in a word of several", place.written)
        if place.path == ("schedule",) and place.written.startswith('"@'):
            word = place.written.strip('"')
            yield _replaced(base, place, f'"{typo(word, choice)}"', "typo in a word of several", word)


def task_id_typos(base: Base, choice: random.Random) -> Iterator[Mutation]:
    for place in base.values:
        if len(place.path) >= 2 and place.path[-2] == "needs" and len(place.written) >= _SHORTEST_WORD:
            yield _replaced(base, place, typo(place.written, choice), "typo in a task id", place.written)
        for match in re.finditer(r"\$\{tasks\.(\w{4,})\.", place.written) if place.is_scalar else ():
            new = place.written[: match.start(1)] + typo(match[1], choice) + place.written[match.end(1) :]
            yield _replaced(base, place, new, "typo in a task id", match[1])


def expression_typos(base: Base, choice: random.Random) -> Iterator[Mutation]:
    for place in base.values:
        for match in (
            re.finditer(r"\$\{(tasks)\.\w+\.(output)|\$\{env\.(\w+)", place.written) if place.is_scalar else ()
        ):
            for group in (1, 2):
                if match[group]:
                    new = (
                        place.written[: match.start(group)]
                        + typo(match[group], choice)
                        + place.written[match.end(group) :]
                    )
                    yield _replaced(base, place, new, "typo in an expression", match[group])
            yield _replaced(base, place, place.written.replace("}", "", 1), "bracket left out")


def wrong_types(base: Base, choice: random.Random) -> Iterator[Mutation]:
    others = ("[1, 2]", "{a: 1}", "nonsense", "17", "true", "1.5")
    for place in base.values:
        if not place.is_scalar or "\n" in place.written or place.path[-1] == "id":
            continue
        yield _replaced(base, place, choice.choice(others), "wrong type")


def removed_keys(base: Base, choice: random.Random) -> Iterator[Mutation]:
    lines = base.text.split("\n")
    for place in base.keys:
        number = base.line(place.start)
        if not re.fullmatch(r" *(?:- )?[\w]+: ?[^|>{\[]*", lines[number - 1]) or choice.random() < 0.3:
            continue
        if lines[number - 1].rstrip().endswith(":"):
            continue
        dash = re.match(r"( *)- ", lines[number - 1])
        rest = list(lines)
        if dash:  # the entry goes on with the next line
            if not lines[number].startswith(dash[1] + "  "):
                continue
            rest[number] = f"{dash[1]}- {lines[number].strip()}"
        del rest[number - 1]
        yield Mutation(base.name, "removed key", "\n".join(rest), _parent_lines(base, place), path=place.path)


def _parent_lines(base: Base, place: Place) -> frozenset[int]:
    """The key that held it, and the entry it was part of, with the line that moved up into its place."""
    above = [other for other in base.keys if other.path == place.path[:-1]]
    entry = [other for other in base.keys if other.path[:-1] == place.path[:-1]]
    number = base.line(place.start)
    first = min((base.line(other.start) for other in entry), default=1)
    lines = {first, first + 1, 1, number} if not above else {first, number}
    # A line taken out moves all below it up by one.
    return frozenset({line for other in above for line in [base.line(other.start)]} | lines | {first - 1})


def doubled_keys(base: Base, choice: random.Random) -> Iterator[Mutation]:
    lines = base.text.split("\n")
    for place in base.keys:
        number = base.line(place.start)
        line = lines[number - 1]
        if choice.random() < 0.3 or not re.fullmatch(r" *(?:- )?[\w]+: [^|>].*", line):
            continue
        again = line.replace("- ", "  ", 1) if line.lstrip().startswith("- ") else line
        text = "\n".join([*lines[:number], again, *lines[number:]])
        yield Mutation(base.name, "key twice", text, frozenset({number, number + 1}), path=place.path)


def wrong_cron(base: Base, choice: random.Random) -> Iterator[Mutation]:
    for place in base.values:
        fields = place.written.strip('"').split()
        if "schedule" not in place.path or len(fields) != 5:
            continue
        for at in range(5):
            wrong = [*fields]
            wrong[at] = choice.choice(("99", "x", "61-70", "1-", "*/0", "5,", "-1", ""))
            yield _replaced(base, place, '"' + " ".join(wrong).strip() + '"', "wrong cron field")


def wrong_scalars(base: Base, choice: random.Random) -> Iterator[Mutation]:
    for place in base.values:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", place.written):
            wrong = choice.choice(("2026-02-30", "2026-13-01", "01.02.2026", "yesterday", "2026/01/01"))
            yield _replaced(base, place, wrong, "wrong date")
        if re.fullmatch(r"\d+[smhd]|PT\d+M", place.written):
            wrong = choice.choice(("5", "5 minutes", "5min", "PT", "-5m", "five", "5x"))
            yield _replaced(base, place, wrong, "wrong duration")


def wrong_indentation(base: Base, choice: random.Random) -> Iterator[Mutation]:
    lines = base.text.split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        shift = choice.choice((-2, -1, 1, 2, 3))
        depth = len(line) - len(line.lstrip())
        if depth + shift < 0:
            continue
        new = " " * (depth + shift) + line.lstrip()
        text = "\n".join([*lines[: number - 1], new, *lines[number:]])
        yield Mutation(base.name, "wrong indentation", text, frozenset({number - 1, number, number + 1}))


def wrong_punctuation(base: Base, choice: random.Random) -> Iterator[Mutation]:
    for place in base.keys:
        end = place.end
        if base.text[end : end + 2] == ": ":
            text = base.text[: end + 1] + base.text[end + 2 :]
            yield Mutation(base.name, "space left out", text, frozenset({base.line(end)}), path=place.path)
            if choice.random() < 0.5:
                text = base.text[:end] + base.text[end + 1 :]
                yield Mutation(base.name, "colon left out", text, frozenset({base.line(end)}), path=place.path)
    for match in re.finditer(r"[\"\[\]{}]", base.text):
        if choice.random() < 0.6:
            continue
        text = base.text[: match.start()] + base.text[match.end() :]
        kind = "quote left out" if match.group() == '"' else "bracket left out"
        yield Mutation(base.name, kind, text, frozenset({base.line(match.start())}))


def tabs(base: Base, choice: random.Random) -> Iterator[Mutation]:
    for match in re.finditer(r"^(  )+", base.text, re.MULTILINE):
        if choice.random() < 0.3:
            text = base.text[: match.start()] + "\t" + base.text[match.end() :]
            yield Mutation(base.name, "tab", text, frozenset({base.line(match.start())}))


MUTATORS: tuple[Mutator, ...] = (
    key_typos,
    value_typos,
    task_id_typos,
    expression_typos,
    wrong_types,
    removed_keys,
    doubled_keys,
    wrong_cron,
    wrong_scalars,
    wrong_indentation,
    wrong_punctuation,
    tabs,
)
