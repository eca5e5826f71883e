"""Convex solids with flat faces."""

from dataclasses import dataclass

import numpy as np

from worker.engines.silhouette.arrays import Field, Floats

EDGE_ON = 1e-3
"""The depth component of a face's normal below which it has no front or back."""


@dataclass(frozen=True)
class Polyhedron:
    """Where normals · (x, y, z) <= offsets for all faces, in cells; x right, y down, z towards the viewer."""

    normals: Floats
    """(n, 3), outward, of unit length."""

    offsets: Floats
    """(n,)."""

    def depths(self, side: int, step: int) -> tuple[Field, Field, Field]:
        """Front, back and a field that is positive within the outline, over every `step`-th point of a
        square grid of `side` points a side. Beyond the outline front and back are the rim's.
        """
        at = np.arange(0, side, step, dtype=np.float32)
        front = np.full((len(at), len(at)), np.inf, np.float32)
        back = -front
        within = front.copy()
        for (x, y, z), offset in zip(self.normals, self.offsets, strict=True):
            room = np.float32(offset) - np.float32(x) * at - np.float32(y) * at[:, None]
            if abs(z) < EDGE_ON:
                np.minimum(within, room, out=within)
            elif z > 0:
                np.minimum(front, room / np.float32(z), out=front)
            else:
                np.maximum(back, room / np.float32(z), out=back)
        within = np.minimum(within, front - back)
        front, back = np.where(within > 0, (front, back), (front + back) / 2)
        return front, back, within
