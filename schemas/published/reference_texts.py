"""What docs/reference.md says around the tables of keys."""

from __future__ import annotations

BEFORE = """\
# Reference

<!-- Generated from the models by `python -m schemas.published.reference --write`. -->

One YAML file below `pipelines/` is one DAG. Terms are Airflow's own where Airflow has one. Every key that is not in
these tables is an error, and so is a value of another type: `"3"` is no number.

Each example stands in a file of [examples/reference](examples/reference); tests check and build these files.

**YAML** is 1.2: `on`, `off`, `yes`, `no` and `1:30` are text, `010` is ten. Values that begin with `*`, `@`, `%`, `{{`,
`&`, `!` or a backtick, and values with a colon and a space, stand in quotes. Tags, a key twice and a second document are
errors; `<<` merges a mapping.

**Durations** are `30s`, `5m`, `2h`, `1d`, or ISO 8601 (`PT90M`). **Dates** are ISO 8601 text: `2026-01-31`,
`2026-01-31T06:00`, `2026-01-31T06:00:00+09:00`; one without offset holds in the pipeline's `timezone`.

**Folder defaults.** A `_defaults.yaml` holds for all pipelines in its folder and below; the nearer one wins, the
file wins over all, and what either says of the chosen environment wins over the file. Mappings merge deeply, `tasks`
merge by `id` (those of groups too), `tags` unite, other lists replace, so do `schedule`, `pagination` and `auth`, and
`null` is a value. [Defaults, environments, values and rows](composition.md) shows all of it.
"""

TASK = """\
## Expressions

`${…}` is resolved when the DAG is built, `{{ … }}` is Airflow's template, rendered when the task runs.

| expression | is |
|---|---|
| `${env.NAME}`, `${env.NAME:-default}` | an environment variable, read where the DAG is parsed and again where the task runs. Everybody who sees Airflow sees its value: secrets belong into connections. Not in `dag_id`, ids, `needs`, `teardown`, `uses`, `schedule` |
| `${vars.NAME}`, `${vars.NAME.KEY}` | a value of `vars`, put there when the file is read. Alone it keeps its type, a mapping or a list too; inside a longer text it becomes text. Everywhere but in keys |
| `${matrix.NAME}` | the same for the row of `matrix` that a DAG, a task or a group is made of. Everywhere but in keys; of the file's `matrix` not in `matrix` itself |
| `${tasks.ID.output}` | what a task returned; `.key` and `[0]` behind it select inside the value. Stands alone as a value inside `with`, where Airflow renders the argument, and is an edge between the two tasks |
| `${tasks.ID.xcom.KEY}` | another XCom of the task |
| `${expand.NAME}` | inside a group with `expand`: the item of this run of the group; `.key` and `[0]` select inside it |
| `$${` | a literal `${` |

Any other `${…}` is text: shells need it. Text from the environment counts as text; a field that takes no text reads it
as YAML would (`3`, `true`).

## What `uses` can be

- a built-in, a name without a dot: `http`, `bash`, `branch`, `wait_file`, … (below);
- a Python function, `module.function`, of a module below `pipelines/` or an installed one. `with` are its arguments.
  Airflow's context names (`ti`, `ds`, `params`, …, `**context`) need none;
- an Airflow operator or sensor class by its dotted path. `with` are its arguments; text becomes a duration or a date
  where the operator wants one.

A task without `needs` and without references starts at once, after `poll` where there is one.
"""

GROUP = """\
## Groups of tasks

An entry of `tasks` that has `tasks` itself is a group. The tasks inside are called `group.task`, in `needs`, in
references and in Airflow. Inside a group a name means what is in the group, else what is around it. `needs` on a group
holds for all in it; who needs the group waits for all in it.
"""

NOTIFICATIONS = """\
## Notifications, deadlines and retries

A notification is a message class of Airflow (`email`, `slack`, `slack_webhook`, or any by its dotted path) or a Python
function with arguments. Where it runs:

| what | runs in | may stand below `pipelines/` |
|---|---|---|
| `notifications` of a task | the task's process; the dag-processor when the task was lost | yes |
| `notifications` of a pipeline | the dag-processor | yes |
| `notify` of a deadline: a plain function, a class of your own | the executor, which has to be one that runs callbacks, such as LocalExecutor | yes |
| `notify` of a deadline: an `async` function, an installed notifier | the triggerer | no |

`slack` needs the package `apache-airflow-providers-slack`. A notification that fails is in the log and changes nothing
else. `notifications` of a task stand in place of those of `default_args` for the same event.
"""

POLL = """\
## `poll`

`poll:` is a first task `{id: poll, uses: http}` with the request's keys and the task settings in one mapping. Its
output, the decoded answer, is `${tasks.poll.output}`.
"""
