"""Runs the cases, as many at a time as there are processes."""

import signal
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

import cv2

from quality import baselines, engine, metrics, sheet, voxels
from quality.arrays import Bytes
from quality.case import Case
from quality.metrics import Scores

BEST, ORACLE = "best of three", "mirrored oracle"

METHODS = ("engine", *baselines.NAMES, BEST, ORACLE)


@dataclass(frozen=True)
class Outcome:
    """What came out of one case before one background."""

    case: str
    kind: str
    half: str
    face_on: bool
    symmetric: bool
    background: str
    profile: str
    seconds: float
    """From the picture in memory to the mesh."""

    rejected: str
    """Why the engine made nothing of the picture, else empty."""

    scores: dict[str, Scores]
    """By method; the methods beside the engine only with alpha."""


def run(case: Case, background: str, wanted: Collection[str], drawn: bool) -> tuple[Outcome, Bytes | None]:
    """One case, and where it is to be drawn its row of the sheet."""
    rgba, alpha = case.render(background), case.cut_out[..., 3]
    model, rejected = None, ""
    try:
        model = engine.reconstruct(rgba)
    except engine.ImageRejected as error:
        rejected = str(error)
        scores = {"engine": metrics.of_nothing(wanted)}
    else:
        scores = {"engine": metrics.of_mesh(model.vertices, model.faces, case, wanted)}
        if "silhouette" in wanted:
            outline = metrics.silhouette(model.picture, model.faces, model.matte.shape, alpha)
            scores["engine"]["silhouette"] = outline
        if "matte" in wanted:
            scores["engine"]["matte"] = metrics.matte(model.matte, alpha)
    if background == "alpha":
        scores |= metrics.of_baselines(case, wanted)
        if "iou" in wanted:
            scores[BEST] = {"iou": max(scores[name]["iou"] for name in baselines.NAMES)}
            scores[ORACLE] = {"iou": voxels.mirrored(case.truth)}
    outcome = Outcome(
        case=case.name,
        kind=case.kind,
        half=case.half,
        face_on=case.face_on,
        symmetric=case.symmetric_front_back,
        background=background,
        profile=model.profile if model else "",
        seconds=model.seconds if model else 0.0,
        rejected=rejected,
        scores=scores,
    )
    return outcome, sheet.row(case, background, rgba, model, outcome.scores["engine"]) if drawn else None


def run_all(
    pairs: Sequence[tuple[Case, str]], wanted: Collection[str], jobs: int, drawn: bool = False
) -> Iterator[tuple[Outcome, Bytes | None]]:
    """All pairs of a case and a background, as they get done."""
    with ProcessPoolExecutor(jobs, initializer=_alone) as pool:
        futures = [pool.submit(run, case, background, wanted, drawn) for case, background in pairs]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _alone() -> None:
    """Each process keeps to one core, and leaves Ctrl-C to its parent."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
