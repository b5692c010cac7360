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
    yield from _as_many_values_as_a_file_may_hold()
    yield from _multiplied()
    yield from _of_dag_factory()
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


def _as_many_values_as_a_file_may_hold() -> Iterator[str]:
    poll = "poll: {url: http://localhost/}\n"
    headers = "poll:\n  url: http://localhost/\n  headers:\n"
    tasks = "tasks:\n"
    yield poll + "".join(f"key{n}: 1\n" for n in range(24_000))
    yield poll + "params:\n" + "".join(f"  p{n}: {{type: integer, minimum: a}}\n" for n in range(8_000))
    yield poll + "tags:\n" + "- 1\n" * 48_000
    yield poll + "vars:\n" + "".join(f"  v{n + 1}: '${{vars.v{n}}}${{vars.v{n}}}'\n" for n in range(24_000))
    yield headers + "".join(f"    h{n}: ${{vars.a{n}}}\n" for n in range(24_000))
    yield headers + "".join(f"    h{n}: ${{env.UNSET_{n}}}\n" for n in range(24_000))
    yield headers + "".join(f"    h{n}: ${{ENV.A_{n}}}\n" for n in range(24_000))
    yield tasks + "- id: a\n  uses: http\n  with:\n" + "".join(f"    urk{n}: 1\n" for n in range(24_000))
    yield tasks + "".join(f"- {{id: t{n}, uses: f.g, with: {{a: '${{tasks.x{n}.output}}'}}}}\n" for n in range(5_400))
    yield tasks + "".join(f"- {{id: t{n}, uses: none{n}.f}}\n" for n in range(9_900))
    yield tasks + "".join(f"- {{id: t{n}, uses: empty, needs: [t{(n + 1) % 6_000}]}}\n" for n in range(6_000))
    yield tasks + "".join(f"- {{id: t{n}, uses: empty, needs: [t{n ^ 1}]}}\n" for n in range(6_000))
    yield tasks + "".join(
        f"- {{id: t{n}, uses: empty, needs: [{', '.join(f't{other}' for other in range(n))}]}}\n" for n in range(300)
    )
    yield tasks + "".join(
        f"- {{id: t{n}, uses: empty, outlets: [{{name: a, uri: 's3://b/{n}'}}]}}\n" for n in range(4_000)
    )
    yield tasks + "".join(
        f"- {{id: t{n}, uses: bash, with: {{bash_command: 'echo {{{{ params.x }}}}'}}}}\n" for n in range(5_400)
    )
    yield tasks + "".join(f"- {{id: task_{n}, uses: empty, needs: [tsk_{n}]}}\n" for n in range(150))
    yield "schedule:\n  cron:\n" + "".join(f"  - '{n % 60} {n // 60 % 24} 29 2 1'\n" for n in range(48_000))
    yield "poll: {url: 'http://" + "a" * 1_000_000 + "'}"


def _multiplied() -> Iterator[str]:
    """Small texts of which a matrix, environments, `<<` or aliases make much."""
    rows = "dag_id: x_${matrix.n}\nmatrix: {n: [" + ", ".join(map(str, range(256))) + "]}\n"
    environments = "environments:\n" + "".join(f"  e{n}: {{schedule: '@daily'}}\n" for n in range(64))
    tasks = "tasks:\n" + "".join(f"- {{id: t{n}, uses: bash, with: {{bash_command: echo}}}}\n" for n in range(4_000))
    yield rows + tasks
    yield environments + tasks
    yield environments.replace("{schedule", "{dag_id: y, schedule") + rows + "poll: {url: http://localhost/}\n"
    yield "tasks:\n" + "".join(
        f"- {{id: 'a{n}_${{matrix.n}}', uses: empty, matrix: {{n: [1, 2, 3, 4, 5, 6, 7, 8]}}}}\n" for n in range(3_000)
    )
    wide = "a: &a {" + ", ".join(f"k{n}: 1" for n in range(5_000)) + "}\n"
    yield wide + "".join(f"m{n}: {{<<: *a}}\n" for n in range(10_000))
    yield wide + "b: {<<: [" + "*a, " * 10_000 + "]}\n"


def _of_dag_factory() -> Iterator[str]:
    dag = "d:\n  schedule: '@daily'\n  tasks:\n"
    task = "operator: airflow.providers.standard.operators.bash.BashOperator"
    yield dag + "".join(f"    t{n}: {{{task}, bash_command: echo}}\n" for n in range(7_000))
    yield dag + "".join(f"    t{n}: {{operator: a.B, dependencies: [t{(n + 1) % 6_000}]}}\n" for n in range(6_000))
    yield dag + "".join(f"    task_{n}: {{operator: a.B, dependencies: [tsk_{n}]}}\n" for n in range(6_000))
    yield dag + f"    t:\n      {task}\n" + "".join(f"      bash_cmd{n}: 1\n" for n in range(24_000))
    yield "".join(f"d{n}: {{schedule: '@daily', tasks: {{t: {{operator: a.B}}}}}}\n" for n in range(5_000))
    default = "default: {default_args: {" + ", ".join(f"k{n}: 1" for n in range(5_000)) + "}}\n"
    yield default + "".join(f"d{n}: {{schedule: '@daily', tasks: {{t: {{operator: a.B}}}}}}\n" for n in range(3_000))
