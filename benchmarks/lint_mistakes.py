"""How many single mistakes lint finds on their line, and of how many typos it names the word that was meant.

The mistakes are made by seed in the pipelines of `tests/mutations`; those that leave a sound pipeline do not count.
"""

from __future__ import annotations

import sys

from benchmarks.measure import arguments, report
from tests.mutations.score import score, wrong_mutations


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--mistakes", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    number = 200 if options.quick else options.mistakes
    scores = score(wrong_mutations(options.seed, number))
    made = sum(one.made for one in scores.values())
    typos = sum(one.typos for one in scores.values())
    report(
        "lint_mistakes",
        {
            "mistakes": made,
            "seed": options.seed,
            "first_finding_on_the_line": round(sum(one.on_the_line for one in scores.values()) / made, 4),
            "typos": typos,
            "word_suggested": round(sum(one.suggested for one in scores.values()) / typos, 4),
            "classes": {
                kind: {
                    "mistakes": one.made,
                    "on_the_line": round(one.on_the_line / one.made, 4),
                    **({"word_suggested": round(one.suggested / one.typos, 4)} if one.typos else {}),
                }
                for kind, one in sorted(scores.items())
            },
        },
        keep=not options.quick,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
