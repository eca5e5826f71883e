"""Runs the cases, some at a time, each in a process of its own choosing."""

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

import cv2

from quality import baselines, engine, voxels
from quality.case import Case

METHODS = ("engine", *baselines.NAMES, "best baseline", "mirrored oracle")


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
    rejected: str
    """Why the engine made nothing of the picture, else empty. It then scores as an empty solid does."""

    scores: dict[str, dict[str, float]]
    """By method, then by metric; the methods beside the engine only with alpha."""


def run(case: Case, background: str) -> Outcome:
    """One case."""
    scores: dict[str, dict[str, float]] = {}
    profile, seconds, rejected = "", 0.0, ""
    try:
        model = engine.reconstruct(case.render(background))
    except engine.ImageRejected as error:
        rejected = str(error)
        scores["engine"] = {"iou": 0.0}
    else:
        profile, seconds = model.profile, model.seconds
        scores["engine"] = {"iou": voxels.iou(voxels.of_mesh(model.vertices, model.faces), case.truth)}
    if background == "alpha":
        for name, solid in case.baselines.items():
            scores[name] = {"iou": voxels.iou(solid, case.truth)}
        scores["best baseline"] = {"iou": max(scores[name]["iou"] for name in baselines.NAMES)}
        scores["mirrored oracle"] = {"iou": voxels.mirrored(case.truth)}
    return Outcome(
        case=case.name,
        kind=case.kind,
        half=case.half,
        face_on=case.face_on,
        symmetric=case.symmetric_front_back,
        background=background,
        profile=profile,
        seconds=seconds,
        rejected=rejected,
        scores=scores,
    )


def run_all(cases: Sequence[Case], backgrounds: Sequence[str], jobs: int) -> Iterator[Outcome]:
    """All cases before all backgrounds, as they get done."""
    with ProcessPoolExecutor(jobs, initializer=_alone) as pool:
        futures = [pool.submit(run, case, background) for case in cases for background in backgrounds]
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
