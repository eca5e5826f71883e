"""The tables: what came out, by method, class and background."""

from collections.abc import Callable, Sequence

import numpy as np

from quality.arrays import Floats
from quality.run import METHODS, Outcome
from quality.solids import KINDS

Chosen = Callable[[Outcome], bool]


def summary(outcomes: Sequence[Outcome]) -> str:
    """Mean volume IoU by class and method, with alpha."""
    cut_out = [outcome for outcome in outcomes if outcome.background == "alpha"]
    groups: list[tuple[str, Chosen]] = [
        ("all", lambda _: True),
        *((kind, lambda outcome, kind=kind: outcome.kind == kind) for kind in KINDS),
        ("at an angle", lambda outcome: not outcome.face_on),
        ("face-on", lambda outcome: outcome.face_on),
        ("face-on, symmetric", lambda outcome: outcome.face_on and outcome.symmetric),
    ]
    rows = [["volume IoU, mean", "cases", *METHODS]]
    for name, chosen in groups:
        group = [outcome for outcome in cut_out if chosen(outcome)]
        if group:
            rows.append([name, str(len(group)), *(f"{scores(group, m, 'iou').mean():.3f}" for m in METHODS)])
    return markdown(rows)


def scores(outcomes: Sequence[Outcome], method: str, metric: str) -> Floats:
    """One score for each of the outcomes."""
    return np.array([outcome.scores[method][metric] for outcome in outcomes])


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table, the first row its head; all columns but the first aligned to the right."""
    head, *body = rows
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
