"""Cuts out what stands amid a busy background, by colour models that are learnt from the picture."""

from collections.abc import Callable

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Bytes, Mask

GRABCUT_SIDE = 320
GRABCUT_ROUNDS = 5


def grabcut(rgb: Bytes, check: Callable[[], None]) -> Mask | None:
    """GrabCut (Rother et al. 2004) from the assumption that the object is amid the picture.

    None where object and background can't be told apart.
    """
    height, width = rgb.shape[:2]
    scale = min(1.0, GRABCUT_SIDE / max(height, width))
    bgr = cv2.cvtColor(
        cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR
    )
    h, w = bgr.shape[:2]
    y, x = np.meshgrid(np.linspace(-1, 1, h), np.linspace(-1, 1, w), indexing="ij")
    trimap = np.full((h, w), cv2.GC_PR_BGD, np.uint8)
    trimap[(x / 0.8) ** 4 + (y / 0.8) ** 4 < 1] = cv2.GC_PR_FGD
    edge = max(1, round(0.02 * min(h, w)))
    trimap[:edge] = trimap[-edge:] = cv2.GC_BGD
    trimap[:, :edge] = trimap[:, -edge:] = cv2.GC_BGD

    cv2.setRNGSeed(1)  # its k-means starts from OpenCV's generator; results must repeat
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    mode = cv2.GC_INIT_WITH_MASK
    for _ in range(GRABCUT_ROUNDS):
        check()
        cv2.grabCut(bgr, trimap, (0, 0, 0, 0), background, foreground, 1, mode)
        mode = cv2.GC_EVAL
        inside = (trimap == cv2.GC_FGD) | (trimap == cv2.GC_PR_FGD)
        if inside.all() or not inside.any():
            return None  # a colour model of nothing can't be learnt
    full = cv2.resize(inside.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    mask: Mask = full > 0.5
    return mask
