"""Texts that have broken readers of YAML, or that cost one more than they are worth."""

from __future__ import annotations

from collections.abc import Iterator


def hostile() -> Iterator[str]:
    """Texts that have broken readers of YAML."""
    many = 100_000
    for opening in (
        "[",
        "{",
        "- ",
        "? ",
        "{a: ",
        "[{",
        "!!x ",
        "&a ",
        "*a ",
        "'",
        '"',
        "|",
        ">",
        "\t",
        "a: ",
        "-\n",
        ":",
        "#",
        "%",
    ):
        yield opening * many
        yield "a: " + opening * many
        yield f"{opening * many}x{''.join({'[': ']', '{': '}'}.get(c, '') for c in reversed(opening)) * many}"
    yield "\n".join("  " * n + "a:" for n in range(600))
    yield "a: &a [x]\n" + "\n".join(f"k{n}: &a [*a]" for n in range(8_000))
    yield "a: &a [x]\n" + "\n".join(f"k{n}: &a [*a, *a]" for n in range(5_000))
    yield "a: &a {x: 1}\n" + "\n".join(f"k{n}: &a {{<<: *a, y{n}: 1}}" for n in range(5_000))
    yield "a: &a {x: 1}\nb: {<<: [" + "*a, " * 50_000 + "]}"
    yield "\n".join(f"k{n}: *k{n}" for n in range(50_000))
    yield "a: " + "9" * 500_000
    yield "a: " + "1." + "0" * 500_000 + "e5"
    yield "a: 0x" + "f" * 500_000
    yield "x" * 500_000 + ": 1"
    yield "? " + "x" * 500_000
    yield "\n".join(f"key{n}: &a{n} v" for n in range(8_000))
    yield "\n".join("a: 1" for _ in range(8_000))
    yield "\n".join(f"unknown{n}: 1" for n in range(1_000))
    yield "tasks:\n" + "\n".join(f"  - {{id: t{n}, uses: empty, needs: [t{n + 1}]}}" for n in range(1_000))
    yield "tasks:\n" + "\n".join(f"  - {{id: t{n}, uses: emty, retrys: 1}}" for n in range(1_000))
    yield "tasks:\n" + "\n".join(f"  - {{id: t, uses: empty, needs: [t{n}]}}" for n in range(1_000))
    yield from _thousands_of_findings()
    yield "poll: {url: '" + "${env.A}" * 50_000 + "'}"
    yield "poll: {url: '" + "${" * 200_000 + "'}"
    yield "description: '" + "$${env.A" * 50_000 + "'"
    yield "schedule: '" + "*/" * 100_000 + "'"
    yield "schedule: '" + "* " * 100_000 + "'"
    yield "schedule: '" + "1," * 100_000 + " * * * *'"
    yield "timezone: '" + "A" * 200_000 + "'"
    yield "dagrun_timeout: '" + "9" * 200_000 + "s'"
    yield "x" * 200_000 + ": 1"


def _thousands_of_findings() -> Iterator[str]:
    """Each finding may be compared with all that could have been meant."""
    poll = "poll: {url: http://localhost/}\n"
    headers = "poll:\n  url: http://localhost/\n  headers:\n"
    yield poll + "\n".join(f"unknown{n}: 1" for n in range(20_000))
    yield poll + "default_args:\n" + "\n".join(f"  retris{n}: 1" for n in range(20_000))
    yield poll + "# factory: ignore[PF401] none\n" * 30_000
    yield poll + f"# factory: ignore[{'PF4O1 ' * 80}] none\n" * 2_000
    yield "tasks:\n" + "\n".join(f"  - {{id: task_{n}, uses: empty, needs: [tsk_{n}]}}" for n in range(8_000))
    yield headers + "\n".join(f"    h{n}: ${{env.A_{n}_TOKEN}}" for n in range(10_000))
    yield headers + "\n".join(f"    h{n}: ${{ENV.A_{n}}}" for n in range(10_000))
    yield "tasks:\n  - id: a\n    uses: bash\n    with: {bash_command: '" + "{{ params.x }} " * 50_000 + "'}"
