"""The network cut along the outline: the flat triangulation that the front and the back share."""

from dataclasses import dataclass

import numpy as np

from worker.engines.silhouette.arrays import Field, Floats, Indices

CLEAR = 0.005
"""The least |outline| at a grid point, in cells, so that no vertex lies on the outline by chance."""

OFF_ENDS = 0.01
"""How near, in edge lengths, the outline may come to a grid point, so that no face is without area."""


@dataclass(frozen=True)
class Sheet:
    """A triangulation of the object's inside. Its border crosses each edge of the network at most once,
    so that it is a manifold whatever the outline.
    """

    points: Floats
    """(n, 2) as (row, column) of the grid, those on the outline last."""

    triangles: Indices
    """(m, 3), counter-clockwise once rows point up."""

    rim: Indices
    """(k, 2): the border's edges, from point to point, directed as in their triangles."""

    @property
    def inner(self) -> int:
        """How many of the points are not on the outline."""
        return len(self.points) - len(self.rim)


def clip(outline: Field, triangles: Indices) -> Sheet:
    """Cuts the network's triangles (t, 3, 2) where the outline's signed distance is 0, and keeps what is
    inside.
    """
    outline = np.where(outline > 0, np.maximum(outline, CLEAR), np.minimum(outline, -CLEAR))
    width = len(outline)
    corners = triangles[..., 0] * width + triangles[..., 1]
    inside = outline.ravel()[corners] > 0
    count = inside.sum(axis=1)

    whole = corners[count == 3]
    # The others are turned, keeping their orientation, until the corner unlike the other two is first.
    tip = _turn(corners[count == 1], inside[count == 1].argmax(axis=1))
    stump = _turn(corners[count == 2], (~inside[count == 2]).argmax(axis=1))

    # Each cut edge, from its inner to its outer end, has one rim point, shared by both its triangles.
    cut = np.concatenate([tip[:, [0, 1]], tip[:, [0, 2]], stump[:, [1, 0]], stump[:, [2, 0]]])
    edges, numbers = np.unique(cut[:, 0] * width * width + cut[:, 1], return_inverse=True)
    inner, outer = (np.stack(np.divmod(end, width), 1) for end in np.divmod(edges, width * width))

    kept = np.concatenate([whole.ravel(), tip[:, 0], stump[:, 1], stump[:, 2]])
    used, places = np.unique(kept, return_inverse=True)
    wholes, tips, stump_1, stump_2 = np.split(places, np.cumsum([whole.size, len(tip), len(stump)]))
    tip_1, tip_2, cut_1, cut_2 = np.split(numbers + len(used), np.cumsum([len(tip), len(tip), len(stump)]))
    return Sheet(
        points=np.concatenate([np.stack(np.divmod(used, width), 1), _crossings(outline, inner, outer)]),
        triangles=np.concatenate(
            [
                wholes.reshape(-1, 3),
                np.stack([tips, tip_1, tip_2], 1),
                np.stack([cut_1, stump_1, stump_2], 1),
                np.stack([cut_1, stump_2, cut_2], 1),
            ]
        ),
        rim=np.concatenate([np.stack([tip_1, tip_2], 1), np.stack([cut_2, cut_1], 1)]),
    )


def sample(field: Field, points: Floats) -> Floats:
    """Bilinear samples of a field over the grid at points (row, column)."""
    row, column = np.minimum(points.astype(np.int64), np.array(field.shape) - 2).T
    down, right = points[:, 0] - row, points[:, 1] - column
    upper = field[row, column] * (1 - right) + field[row, column + 1] * right
    lower = field[row + 1, column] * (1 - right) + field[row + 1, column + 1] * right
    samples: Floats = upper * (1 - down) + lower * down
    return samples


def _turn(triangles: Indices, first: Indices) -> Indices:
    return np.take_along_axis(triangles, (first[:, None] + np.arange(3)) % 3, axis=1)


def _crossings(outline: Field, inner: Indices, outer: Indices) -> Floats:
    """Where the outline lies between inner and outer grid points, by bisection."""
    low, high = np.zeros(len(inner)), np.ones(len(inner))
    for _ in range(12):
        middle = (low + high) / 2
        positive = sample(outline, inner + middle[:, None] * (outer - inner)) > 0
        low, high = np.where(positive, middle, low), np.where(positive, high, middle)
    crossings: Floats = inner + np.clip(low, OFF_ENDS, 1 - OFF_ENDS)[:, None] * (outer - inner)
    return crossings
