"""`${…}` expressions as regular expressions for the JSON Schema: the only place where these are.

Written in what ECMAScript (editors), Python and Rust (pydantic) share: no named groups, no `\\w` (ASCII only in
ECMAScript), no look-behind. `schemas.expressions.reading` reads expressions; a test compares the two.
"""

from __future__ import annotations

WORD = (
    r"[^\x00-,./:-@\[-^`{-\xa9\xab-\xb1\xb4\xb6-\xb8\xbb\xbf\xd7\xf7\u0300-\u036f\u2000-\u206f\u20a0-\u20ff"
    r"\u2190-\u245f\u2500-\u2775\u2794-\u2bff\u3000-\u3004\u3008-\u3020\ue000-\uf8ff\ufe00-\ufe6f\ufeff"
    rf"\ufff0-\uffff{chr(0x1F300)}-{chr(0x1FAFF)}\s]"
)
"""A letter or digit of any script, `_` or `-`: Airflow's KEY_REGEX without the dot, written as
everything but the punctuation and symbols that people type (Airflow rejects rarer ones)."""

EXCEPTION_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*$"
"""A class of Python's own by its name, or any by its dotted path."""

ENVIRONMENT = r"(?:^|[^$])\$\{env\.[A-Za-z_][A-Za-z0-9_]*(?::-[^{}]*)?\}"
"""Text with `${env.NAME}` or `${env.NAME:-default}` in it; `$${…}` is literal text."""

VALUE = r"(?:^|[^$])\$\{(?:vars|matrix)\.[^{}]+\}"
"""Text with `${vars.NAME}` or `${matrix.NAME}` in it; lint reads what follows the dot."""

ENVIRONMENT_OR_VALUE = r"(?:^|[^$])\$\{(?:env\.[A-Za-z_][A-Za-z0-9_]*(?::-[^{}]*)?|(?:vars|matrix)\.[^{}]+)\}"
"""Both, as one pattern."""

TASK_OUTPUT = r"^\$\{(?:tasks\.[^\s{}]+\.(?:output(?:[.\[][^{}]*)?|xcom\.[^{}]+)|expand\.[^\s{}]+)\}$"
"""A whole `${tasks.ID.output…}`, `${tasks.ID.xcom.KEY…}` or `${expand.NAME…}`; lint reads what follows."""

WITHOUT_EXPRESSION = r"^(?!(?:[\s\S]*[^$])?\$\{(?:env|tasks|expand)\.)"
"""Text with no expression in it that is known only where the DAG is parsed or runs. Not for pydantic: look-ahead."""

DOTTED_PATH_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+$"
"""`module.name`, as Python writes it."""
