"""What a candidate must do better than: the outline's union of balls, which suits whatever is round."""

import cv2
import numpy as np

from worker.engines.silhouette.fit.scene import STEP, Scene
from worker.engines.silhouette.fit.shading import explained


def inflated(scene: Scene) -> float:
    """The share of the colours' variance that the union of the outline's maximal balls explains."""
    inside = scene.inside[::STEP, ::STEP].astype(np.uint8)
    radius = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    squared = np.where(inside, radius**2, -np.inf).astype(np.float32)
    for _ in range(2):  # a dilation by a parabola, down and then across; see `inflate`
        dilated = squared.copy()
        for shift in range(1, int(radius.max()) + 2):
            lowered = squared - np.float32(shift**2)
            np.maximum(dilated[shift:], lowered[:-shift], out=dilated[shift:])
            np.maximum(dilated[:-shift], lowered[shift:], out=dilated[:-shift])
        squared = np.ascontiguousarray(dilated.T)
    smooth = cv2.GaussianBlur(np.maximum(squared, 0), (0, 0), 1.0)
    return explained(scene, STEP * np.sqrt(smooth), STEP)
