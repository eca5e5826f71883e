"""The tables: what came out, by method, class and background, in Markdown."""

from collections.abc import Iterator, Sequence
from math import ceil

import numpy as np

from quality import backgrounds
from quality.arrays import Floats
from quality.metrics import METRICS, SMALLER_IS_BETTER
from quality.run import METHODS, Outcome
from quality.solids import KINDS


def mean(outcomes: Sequence[Outcome], method: str, metric: str = "iou") -> float:
    """The mean score."""
    return float(_scores(outcomes, method, metric).mean())


def worst_tenth(scores: Floats, metric: str) -> float:
    """The mean of the worst tenth of the scores, at least of one."""
    ordered = np.sort(scores)[:: -1 if metric in SMALLER_IS_BETTER else 1]
    return float(ordered[: ceil(len(ordered) / 10)].mean())


def volumes(outcomes: Sequence[Outcome]) -> str:
    """Mean volume IoU by class and method, with alpha."""
    groups: dict[str, Sequence[Outcome]] = {
        "all": outcomes,
        **{kind: [outcome for outcome in outcomes if outcome.kind == kind] for kind in KINDS},
        "at an angle": [outcome for outcome in outcomes if not outcome.face_on],
        "face-on": [outcome for outcome in outcomes if outcome.face_on],
        "face-on, symmetric": [outcome for outcome in outcomes if outcome.face_on and outcome.symmetric],
    }
    rows = [["volume IoU, mean", "cases", *METHODS]]
    rows += [
        [name, str(len(group)), *(f"{mean(group, method):.3f}" for method in METHODS)]
        for name, group in groups.items()
        if group
    ]
    return markdown(rows)


def statistics(outcomes: Sequence[Outcome]) -> str:
    """Each metric's mean, median and worst tenth, by method, with alpha."""
    rows = [["all classes", "", *METHODS]]
    for metric in _measured(outcomes):
        columns = [_statistics(outcomes, method, metric) for method in METHODS]
        for number, statistic in enumerate(("mean", "median", "worst tenth")):
            rows.append([METRICS[metric], statistic, *(column[number] for column in columns)])
    return markdown(rows)


def classes(outcomes: Sequence[Outcome]) -> str:
    """The engine's metrics by class: mean, median, worst tenth."""
    metrics = list(_measured(outcomes))
    rows = [["engine: mean / median / worst tenth", *(METRICS[metric] for metric in metrics)]]
    for kind in KINDS:
        group = [outcome for outcome in outcomes if outcome.kind == kind]
        if group:
            rows.append([kind, *(" / ".join(_statistics(group, "engine", metric)) for metric in metrics)])
    return markdown(rows)


def behind(outcomes: Sequence[Outcome]) -> str:
    """The engine's metrics by background: mean, median, worst tenth."""
    metrics = list(_measured(outcomes))
    rows = [["engine: mean / median / worst tenth", "rejected", *(METRICS[metric] for metric in metrics)]]
    for background in ("alpha", *backgrounds.KINDS):
        group = [outcome for outcome in outcomes if outcome.background == background]
        if group:
            rejected = sum(1 for outcome in group if outcome.rejected)
            figures = (" / ".join(_statistics(group, "engine", metric)) for metric in metrics)
            rows.append([background, f"{rejected} of {len(group)}", *figures])
    return markdown(rows)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table, the first row its head; all columns but the first aligned to the right."""
    head, *body = rows
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _measured(outcomes: Sequence[Outcome]) -> Iterator[str]:
    return (metric for metric in METRICS if metric in outcomes[0].scores["engine"])


def _statistics(outcomes: Sequence[Outcome], method: str, metric: str) -> list[str]:
    if metric not in outcomes[0].scores[method]:
        return ["–"] * 3
    scores = _scores(outcomes, method, metric)
    figures = (scores.mean(), np.median(scores), worst_tenth(scores, metric))
    return [f"{figure:.3f}" for figure in figures]


def _scores(outcomes: Sequence[Outcome], method: str, metric: str) -> Floats:
    return np.array([outcome.scores[method][metric] for outcome in outcomes])
