"""The budgets that the engine's surfaces have to keep, beside the figures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from quality import baselines
from quality.run import Outcome
from quality.solids import KINDS
from quality.table import mean

MARGIN = 0.05
"""By how much the mean volume IoU has to exceed that of the balls, and that of Poisson inflation."""

SYMMETRIC = 0.80
"""The least mean volume IoU of what is seen face-on and the same in front as behind."""

EXACT = {"sphere/face": 0.97, "capsule/face": 0.97, "torus/face": 0.97}
"""The least volume IoU of shapes that an outline tells all about; of whichever half they are."""

KEPT = {"clean": 0.97, "graded": 0.92, "cluttered": 0.80}
"""The least share of the mean volume IoU with alpha that is left before a background."""


@dataclass(frozen=True)
class Budget:
    """A figure and the least that it may be."""

    what: str
    figure: float
    least: float

    @property
    def met(self) -> bool:
        """Whether the budget is kept, by the figure as it is printed."""
        return round(self.figure, 3) >= round(self.least, 3)


def budgets(outcomes: Sequence[Outcome], half: str) -> Iterator[Budget]:
    """Those budgets that the outcomes of this half, and the EXACT ones of any, tell something about."""
    cut_out = [outcome for outcome in outcomes if outcome.background == "alpha" and outcome.half == half]
    if cut_out:
        for name in ("balls", "poisson"):
            least = mean(cut_out, name) + MARGIN
            yield Budget(f"volume IoU, {name} + {MARGIN}", mean(cut_out, "engine"), least)
        for kind in KINDS:
            group = [outcome for outcome in cut_out if outcome.kind == kind]
            if group:
                least, name = max((mean(group, name), name) for name in baselines.NAMES)
                yield Budget(f"volume IoU, {kind}: {name}", mean(group, "engine"), least)
        group = [outcome for outcome in cut_out if outcome.face_on and outcome.symmetric]
        if group:
            yield Budget("volume IoU, face-on and symmetric", mean(group, "engine"), SYMMETRIC)
    for outcome in outcomes:
        if outcome.case in EXACT and outcome.background == "alpha":
            yield Budget(f"volume IoU, {outcome.case}", outcome.scores["engine"]["iou"], EXACT[outcome.case])
    for background, share in KEPT.items():
        group = [outcome for outcome in outcomes if outcome.background == background and outcome.half == half]
        if group and cut_out:
            kept = mean(group, "engine") / mean(cut_out, "engine")
            yield Budget(f"volume IoU, {background}, share of that with alpha", kept, share)
