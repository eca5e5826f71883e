"""`python -m quality`: how near the engine comes to solids whose surfaces are known."""

import argparse
import os
import re
import sys
from pathlib import Path

from quality import backgrounds, report, sheet
from quality.budgets import EXACT, budgets
from quality.case import OUT, cases
from quality.metrics import METRICS
from quality.run import Outcome, run_all

BACKGROUNDS = ("alpha", *backgrounds.KINDS)


def main() -> int:
    """The exit code: 1 where a budget is missed and that was asked for, 130 where somebody stopped it."""
    parser = _parser()
    arguments = parser.parse_args()
    everything = arguments.check or arguments.page is not None
    half = arguments.half or ("held-out" if everything else "tuning")
    behind = arguments.background or (BACKGROUNDS if everything else BACKGROUNDS[:1])
    wanted = arguments.metrics or tuple(METRICS)

    known = cases("all", perspective=arguments.perspective, out=arguments.out)
    chosen = [case for case in known if arguments.only.search(case.name)]
    # A case's backgrounds follow each other: what they share is kept by then.
    pairs = [(case, name) for case in chosen if half in (case.half, "all") for name in behind]
    if everything and half != "all":
        pairs += [(case, "alpha") for case in chosen if case.name in EXACT and case.half != half]
    if not pairs:
        parser.error(f"no case is called like {arguments.only.pattern!r}")
    order = {(case.name, background): number for number, (case, background) in enumerate(pairs)}
    done = []
    try:
        for outcome, row in run_all(pairs, wanted, arguments.jobs, arguments.sheet):
            done.append((outcome, row))
            _progress(len(done), len(pairs), outcome.case)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    done.sort(key=lambda entry: order[entry[0].case, entry[0].background])
    outcomes = [outcome for outcome, _ in done]

    if arguments.list:
        print(_list(outcomes))
    text = report.tables([outcome for outcome in outcomes if half in (outcome.half, "all")])
    found = list(budgets(outcomes, half)) if "iou" in wanted and half != "all" else []
    if found:
        text = f"{report.verdict(found)}\n\n{text}"
    print(text)
    report.save(outcomes, half, arguments.out)
    if arguments.sheet:
        for page in sheet.write([row for _, row in done if row is not None], arguments.out):
            print(page, file=sys.stderr)
    if arguments.page is not None:
        report.put_into(arguments.page, text)
    return 1 if arguments.check and not all(budget.met for budget in found) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m quality", description=__doc__)
    add = parser.add_argument
    add(
        "--half",
        choices=("tuning", "held-out", "all"),
        help="of the cases (tuning; held-out with --check and -o)",
    )
    add(
        "--background",
        type=_some_of(BACKGROUNDS),
        metavar="NAMES",
        help=f"some of {','.join(BACKGROUNDS)} (alpha; all of them with --check and -o)",
    )
    add(
        "--metrics", type=_some_of(tuple(METRICS)), metavar="NAMES", help=f"some of {','.join(METRICS)} (all)"
    )
    add("--only", type=re.compile, default=re.compile(""), metavar="REGEX", help="cases whose name matches")
    add("--perspective", type=float, default=0.0, help="one over the viewer's distance in half-extents (0)")
    add("--jobs", type=int, default=os.cpu_count() or 1, help="processes (one a core)")
    add("--out", type=Path, default=OUT, help="folder for results and for what is kept (.build/quality)")
    add("--list", action="store_true", help="print a line for each case")
    add("--sheet", action="store_true", help="draw the cases, sheet-*.png in the results' folder")
    add("--check", action="store_true", help="exit with 1 where a budget is missed")
    add("-o", dest="page", type=Path, metavar="PAGE", help="put the tables into this Markdown page")
    return parser


def _some_of(names: tuple[str, ...]) -> "argparse._ActionType":
    def parse(text: str) -> tuple[str, ...]:
        unknown = set(text.split(",")) - set(names)
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: not among {', '.join(names)}")
        return tuple(name for name in names if name in text.split(","))

    return parse


def _list(outcomes: list[Outcome]) -> str:
    lines = []
    for outcome in outcomes:
        engine, others = outcome.scores["engine"], {k: v for k, v in outcome.scores.items() if k != "engine"}
        words = [f"{name} {score:.3f}" for name, score in engine.items()]
        words += [f"{name} {scores['iou']:.3f}" for name, scores in others.items() if "iou" in scores]
        words += [outcome.profile, outcome.rejected]
        lines.append(f"{outcome.case:<22} {outcome.kind:<5} {outcome.background:<9} {'  '.join(words)}")
    return "\n".join(lines)


def _progress(done: int, total: int, name: str) -> None:
    """A line that counts on a terminal; elsewhere a line now and then."""
    if sys.stderr.isatty():
        text = f"{done}/{total} {name}" if done < total else ""
        print(f"\r{text:<50}", end="\r", file=sys.stderr, flush=True)
    elif done % 20 == 0:
        print(f"{done} of {total}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
