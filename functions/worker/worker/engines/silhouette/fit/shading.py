"""How well a surface explains the colours that are seen on it.

Under distant lights a matt surface of one colour shines by its normal alone, and nearly so as a
quadratic function of it (Ramamoorthi & Hanrahan 2001). So the share of the colours' variance that the
best such function explains tells surfaces apart without knowing lights or colour: no bump that is
there in the picture may be missing from the surface, and none be there that does not show.
"""

import numpy as np

from worker.engines.silhouette.arrays import Field, Floats
from worker.engines.silhouette.fit.scene import STEP, Scene

LIGHTNESS_NOISE = 1.0
"""Standard deviation of Lab values that no surface needs to explain."""


def explained(scene: Scene, front: Field, step: int) -> float:
    """The share of the colours' variance, 0..1, that the normals of a surface explain.

    Its depths are `front`, in cells, at every `step`-th grid point.
    """
    right, down = (_slope(front, axis, step) for axis in (1, 0))
    seen = scene.seen
    if seen.sum() < 30:
        return 0.0
    normals = np.stack([-right[seen], down[seen], np.ones(int(seen.sum()))], 1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    colours = scene.colours[seen]
    colours = colours - colours.mean(axis=0)
    total = float((colours**2).sum()) + LIGHTNESS_NOISE**2 * len(colours)
    basis = _quadratic(normals)
    # A little ridge: few normals (a box has three) leave some of the nine coefficients undetermined.
    gram = basis.T @ basis + 1e-4 * len(basis) * np.eye(basis.shape[1])
    residual = colours - basis @ np.linalg.solve(gram, basis.T @ colours)
    return 1 - float((residual**2).sum()) / total


def _slope(front: Field, axis: int, step: int) -> Field:
    """The depth's change per cell along an axis, at every STEP-th grid point."""
    change = (np.roll(front, -1, axis) - np.roll(front, 1, axis)) / (2 * step)
    return change[:: STEP // step, :: STEP // step]


def _quadratic(n: Floats) -> Floats:
    """The nine products of a normal's components up to the second degree, (k, 9)."""
    x, y, z = n.T
    return np.stack([np.ones_like(x), x, y, z, x * y, x * z, y * z, x * x - y * y, 3 * z * z - 1], 1)
