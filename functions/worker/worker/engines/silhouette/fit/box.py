"""Cuboids seen at an angle.

The outline is a hexagon whose opposite sides are parallel: its three directions are the edges'
pictures a, b, c. The edges are at right angles in space, so a·b + az bz = 0 and so on, which gives
their depths up to a common sign: the corner that one sees may be the nearest or, inside out, the
farthest. The faces' shades say which, or else the light, which mostly comes from above.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from worker.engines.silhouette.arrays import Floats
from worker.engines.silhouette.fit.candidate import FROM_BELOW, Candidate
from worker.engines.silhouette.fit.polygon import enclosing
from worker.engines.silhouette.fit.polyhedron import Polyhedron
from worker.engines.silhouette.fit.scene import Scene

OPENWORK = "openwork"
"""The name of a cuboid with bays or holes."""

UNLIKE = 0.2
"""By how much opposite sides may differ, in their own length or a few cells: perspective, noise."""

SLIGHT = 6.0


OPEN = 0.97
"""Of its convex hull an outline that covers less has bays or holes."""


def boxes(scene: Scene, check: Callable[[], None]) -> Iterator[Candidate]:
    """The cuboid that has the outline, and the same inside out.

    A frame, a shelf or a gate shows the cuboid that it is cut from by its convex hull.
    """
    check()
    corners = enclosing(scene.contour, 6)
    if corners is None:
        return
    centre, edges = corners.mean(axis=0), _edges(corners)
    if edges is None:
        return
    openwork = scene.cover.sum() < OPEN * scene.hull.sum()
    ways = [cuboid(centre, edges * np.array([1, 1, sign])) for sign in (1.0, -1.0)]
    for box in sorted(ways, key=_shows_underside):
        doubt = FROM_BELOW if _shows_underside(box) else 0.0
        depths = partial(box.depths, len(scene.cover))
        if openwork:
            yield Candidate.judged(scene, OPENWORK, depths, 3 * doubt, scene.hull)
        else:
            yield Candidate.judged(scene, "box", depths, doubt)


def cuboid(centre: Floats, edges: Floats) -> Polyhedron:
    """The cuboid about `centre` (x, y) with edges (3, 3), rows, at right angles to each other."""
    lengths = np.linalg.norm(edges, axis=1)
    normals = edges / lengths[:, None]
    normals = np.concatenate([normals, -normals])
    offsets = np.concatenate([lengths, lengths]) / 2 + normals[:, :2] @ centre
    return Polyhedron(normals, offsets)


def _shows_underside(box: Polyhedron) -> bool:
    """Whether of its lying faces one sees the lower."""
    lying = box.normals[np.abs(box.normals[:, 1]).argmax()]
    return bool(lying[1] * lying[2] > 0)


def _edges(corners: Floats) -> Floats | None:
    """The edges (3, 3) of a cuboid with this hexagonal outline, or None where it can't be one."""
    sides = np.roll(corners, -1, 0) - corners
    flat = (sides[:3] - sides[3:]) / 2
    lengths = np.linalg.norm(flat, axis=1)
    if (np.linalg.norm(sides[:3] + sides[3:], axis=1) > np.maximum(UNLIKE * lengths, SLIGHT)).any():
        return None
    a, b, c = flat
    ab, bc, ca = a @ b, b @ c, c @ a
    # A right-angled corner shows three angles that are all obtuse, or, with a side turned round, one.
    if ab * bc * ca >= 0:
        return None
    depths = np.sqrt([-ab * ca / bc, -ab * bc / ca, -bc * ca / ab])
    depths *= np.array([1, -np.sign(ab), -np.sign(ca)])
    return np.column_stack([flat, depths])
