"""`python -m tests.reword_cases`: write the messages of today's findings into the cases.

Only words change: a case whose files, lines, columns or codes differ from what it expects is named and left as it is.
"""

from __future__ import annotations

import sys

from .case_files import Case, agree, cases, found

KINDS = ("valid", "invalid", "dag_factory/valid", "dag_factory/invalid")


def place(finding: str) -> str:
    """`file: LINE:COLUMN CODE` of a finding."""
    file, _, rest = finding.partition(": ")
    return f"{file}: {' '.join(rest.split(' ', 2)[:2])}"


def reworded(case: Case) -> bool | None:
    """Rewrite the case where only words differ; whether it changed, None where more than words differ."""
    expected = case.expected()
    written = sorted(found(diagnostic) for diagnostic in case.check().diagnostics)
    if sorted(map(place, expected)) != sorted(map(place, written)):
        return None
    new = [text for text in written if not any(agree(old, text) for old in expected)]
    changed = False
    for old in (old for old in expected if not any(agree(old, text) for text in written)):
        text = next(text for text in new if place(text) == place(old))
        new.remove(text)
        file, _, before = old.partition(": ")
        path = case.folder / file
        content = path.read_bytes().decode()
        path.write_bytes(content.replace(f"# expect {before}", f"# expect {text.partition(': ')[2]}", 1).encode())
        changed = True
    return changed


def main() -> int:
    """Returns the exit status: 1 where a case differs in more than words."""
    results = [(case, reworded(case)) for kind in KINDS for case in cases(kind)]
    print(sum(changed is True for _, changed in results), "cases reworded")
    differing = [case.name for case, changed in results if changed is None]
    if differing:
        print("more than words differ in:", *differing, sep="\n  ", file=sys.stderr)
    return 1 if differing else 0


if __name__ == "__main__":
    raise SystemExit(main())
