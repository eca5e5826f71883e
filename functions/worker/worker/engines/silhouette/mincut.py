"""The cheapest way to part a picture in two, given evidence for each pixel and the picture's edges."""

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Bytes, Field, Mask

LEVELS = 80
"""Grey levels that evidence is told in. It shares the edge weights with the guide: more would drown it."""


def min_cut(evidence: Field, guide: Bytes, background: Mask, weight: float) -> Mask:
    """The minimum cut (Boykov & Jolly 2001): true is foreground.

    `evidence` in -1..1 speaks for the foreground where positive; `weight` is what evidence of 1 is worth
    (a cut between two alike pixels costs 50), at most 700, beyond which a Gaussian's tail is 0. Cuts go
    where the evidence or `guide`, two channels of uint8, has an edge. `background` is surely that.

    OpenCV has no cut of its own to call. But its GrabCut with frozen colour models is one: the evidence
    is given as a channel, and the models are two wide Gaussians at its ends, whose log-likelihoods'
    difference is linear in it.
    """
    told = np.clip((evidence + 1) * (LEVELS / 2), 0, LEVELS).astype(np.uint8)
    labels = np.where(evidence > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[background] = cv2.GC_BGD
    if not (labels == cv2.GC_PR_FGD).any():
        return np.zeros(evidence.shape, np.bool_)
    variance = LEVELS**2 / (2 * weight)
    models = _model(0, variance), _model(LEVELS, variance)
    cv2.grabCut(np.dstack([told, guide]), labels, (0, 0, 0, 0), *models, 1, cv2.GC_EVAL_FREEZE_MODEL)
    cut: Mask = (labels & 1) > 0
    return cut


def _model(mean: float, variance: float) -> Field:
    """GrabCut's form of one Gaussian over (evidence, guide): it ignores the guide.

    The form: five weights, five means of three, five covariances of nine, row by row.
    """
    model = np.zeros((1, 65))
    model[0, 0] = 1
    model[0, 5:8] = mean, 128, 128
    model[0, 20:29] = np.diag([variance, 1e7, 1e7]).ravel()
    return model
