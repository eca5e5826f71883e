"""How much a flat face is turned away, by the form that it would have in truth.

Nothing in a picture says so for certain. But made things are mostly right-angled, else about as wide
as high, and stand or lie before a viewer who looks a little down on them.
"""

import cv2
import numpy as np

from worker.engines.silhouette.arrays import Floats, Mask

TILTS = np.radians(np.arange(12, 80, 2))
"""Those that are tried."""

PRECISE = np.radians(4)
"""How far two sides may be off a right angle."""

MANY = 0.4
"""The share of its sides that go along two right-angled directions in a right-angled form."""

FEW = 0.08
"""The share of its sides that makes a direction one of a form's two."""

EVEN = 0.75
"""What being as wide as high counts, beside being right-angled."""

VIEWED_FROM, VIEWS_SPREAD = np.radians(20), np.radians(15)
"""The viewer's usual elevation."""

VIEW = 0.1
"""What a usual elevation counts."""


def likeliest(face: Mask, angle: float) -> float:
    """The tilt in radians of a face that is seen foreshortened in height.

    `face` is its picture turned so that it looks upwards, by `angle`, radians clockwise.
    """
    contours, _ = cv2.findContours(face.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    corners = cv2.approxPolyDP(max(contours, key=len), 4.0, True)[:, 0].astype(np.float64)
    sides = np.roll(corners, -1, 0) - corners
    moments = cv2.moments(face.astype(np.uint8), True)
    spread = np.array([[moments["mu20"], moments["mu11"]], [moments["mu11"], moments["mu02"]]])

    def likelihood(tilt: float) -> float:
        stretch = np.array([1, 1 / np.cos(tilt)])
        right = _right_angled(sides * stretch)
        even = _even(spread * np.outer(stretch, stretch))
        return max(right if right > MANY else 0.0, EVEN * even) + VIEW * _usual(tilt, angle)

    return float(max(TILTS, key=likelihood))


def _right_angled(sides: Floats) -> float:
    """The greatest share of a polygon's sides (n, 2) that go along two directions at right angles."""
    lengths, angles = np.hypot(*sides.T), np.arctan2(sides[:, 1], sides[:, 0])
    apart = angles[:, None] - angles
    off = (apart + np.pi / 4) % (np.pi / 2) - np.pi / 4
    weight = np.exp(-((off / PRECISE) ** 2)) * lengths / lengths.sum()
    along = np.abs(np.cos(apart)) > 0.5
    parallel, across = (weight * along).sum(axis=1), (weight * ~along).sum(axis=1)
    share = np.where(np.minimum(parallel, across) > FEW, parallel + across, 0)
    return float(share.max())


def _even(spread: Floats) -> float:
    """How alike a form's extents are in all directions, 0..1, by its second moments (2, 2)."""
    small, large = np.linalg.eigvalsh(spread)
    return float(np.sqrt(max(small, 0) / large))


def _usual(tilt: float, angle: float) -> float:
    """How usual the viewer's elevation would be, 0..1: the face stands upright, or it lies and looks up."""
    up = np.cos(angle)
    standing = np.arctan(-np.tan(tilt) * up)
    lying = np.pi / 2 - tilt if up > 0.99 else -np.pi / 2
    off = min(abs(standing - VIEWED_FROM), abs(lying - VIEWED_FROM))
    return float(np.exp(-((off / VIEWS_SPREAD) ** 2)))
