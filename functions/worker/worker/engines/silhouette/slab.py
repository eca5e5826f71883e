"""How thick something flat is that faces the viewer: nobody can see it, so what such things mostly are."""

import numpy as np

from worker.engines.silhouette.arrays import Field

UPRIGHT = 0.02
"""A side stands upright where the outline keeps within this share of the width from it."""

BUILT = 0.5
"""What stands upright for more than this share of its height, on both sides on average, is built of boxes."""

BOX = 0.75
"""Half the depth of what is built, in half the shorter side of its outline."""

SHEET = 0.1
"""Half the thickness of anything else, in half the longer side of its outline."""


def squared(outline: Field) -> Field:
    """h² in cells² of a slab with the outline, given by its signed distance: the same everywhere."""
    inside = outline > 0
    rows = np.nonzero(inside.any(axis=1))[0]
    first = inside[rows].argmax(axis=1)
    last = inside.shape[1] - 1 - inside[rows, ::-1].argmax(axis=1)
    height, width = len(rows), int(last.max() - first.min()) + 1
    slack = 1 + UPRIGHT * width
    upright = ((first - first.min() < slack).mean() + (last.max() - last < slack).mean()) / 2
    half = BOX * min(height, width) / 2 if upright > BUILT else SHEET * max(height, width) / 2
    return np.full_like(outline, half**2)
