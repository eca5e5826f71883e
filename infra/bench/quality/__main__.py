"""`python -m quality`: the bench's command."""

import argparse
import os
import re
import sys
from pathlib import Path

from quality import table
from quality.case import OUT, cases
from quality.run import run_all


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m quality", description="How near the engine comes to known solids."
    )
    parser.add_argument("--half", choices=("tuning", "held-out", "all"), default="tuning")
    parser.add_argument("--background", default="alpha", help="some of alpha,clean,graded,cluttered (alpha)")
    parser.add_argument(
        "--only", type=re.compile, default=re.compile(""), metavar="REGEX", help="cases whose name matches"
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count(), help="processes (as many as there are cores)"
    )
    parser.add_argument(
        "--out", type=Path, default=OUT, help="for results and what is kept between runs (.build/quality)"
    )
    parser.add_argument("--list", action="store_true", help="print a line for each case")
    arguments = parser.parse_args()

    chosen = [case for case in cases(arguments.half, out=arguments.out) if arguments.only.search(case.name)]
    if not chosen:
        parser.error(f"no case is called like {arguments.only.pattern!r}")
    backgrounds = arguments.background.split(",")
    outcomes = []
    try:
        for outcome in run_all(chosen, backgrounds, arguments.jobs):
            outcomes.append(outcome)
            print(
                f"\r{len(outcomes)}/{len(chosen) * len(backgrounds)} {outcome.case:<30}",
                end="",
                file=sys.stderr,
                flush=True,
            )
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    print(f"\r{'':<50}\r", end="", file=sys.stderr)
    order = {case.name: number for number, case in enumerate(chosen)}
    outcomes.sort(key=lambda outcome: (order[outcome.case], backgrounds.index(outcome.background)))
    if arguments.list:
        for outcome in outcomes:
            scores = " ".join(f"{method} {values['iou']:.3f}" for method, values in outcome.scores.items())
            print(f"{outcome.case:<24} {outcome.kind:<6} {outcome.profile:<12} {scores} {outcome.rejected}")
    print(table.summary(outcomes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
