"""A right-triangulated irregular network over the grid: many triangles where the surface bends, few else.

The square is halved into right isosceles triangles again and again (Evans, Kirkpatrick & Townsend
2001), each at the middle of its longest edge. A middle's error is made at least that of all that its
triangles are halved into, so every threshold gives triangles that match along every edge.
"""

import numpy as np

from worker.engines.silhouette.arrays import Field, Indices


def errors(squared: Field) -> Field:
    """For each grid point, how far the surface z² = h² lies from the middle of the edge that it halves.

    `squared` is h² on a square grid of 2^k + 1 points a side. In cells, perpendicular to the surface; 0
    where nothing of the object is near.
    """
    depth = np.sign(squared) * np.sqrt(np.abs(squared))
    slope = np.hypot(*np.gradient(squared))
    out = np.zeros_like(squared)
    cells = len(squared) - 1

    def middle(rows: slice, columns: slice, one: Field, other: Field) -> Field:
        """The errors in the middle, at the grid points (rows, columns), of edges from `one` to `other`."""
        z = (one + other) / 2
        gap = np.abs(squared[rows, columns] - z * np.abs(z))
        error = gap / np.sqrt(slope[rows, columns] ** 2 + 4 * z * z + 1e-6)
        seen = (depth[rows, columns] > 0) | (one > 0) | (other > 0)
        return np.where(seen, error, 0)

    size = 2
    while size <= cells:
        corners, middles = slice(None, None, size), slice(size // 2, None, size)
        firsts, lasts = slice(None, -1, size), slice(size, None, size)
        # Middles of the sides of squares of `size`; what they are halved into are the centres, one
        # size down, of the four squares around them.
        across = middle(corners, middles, depth[corners, firsts], depth[corners, lasts])
        upright = middle(middles, corners, depth[firsts, corners], depth[lasts, corners])
        if size > 2:
            centres = out[size // 4 :: size // 2, size // 4 :: size // 2]
            _raise(across, np.maximum(centres[:, ::2], centres[:, 1::2]))
            _raise(upright.T, np.maximum(centres[::2], centres[1::2]).T)
        out[corners, middles], out[middles, corners] = across, upright

        # Centres of the squares, halving the diagonal that meets the centre of the next larger square.
        falling = np.indices((cells // size, cells // size)).sum(axis=0) % 2 == 0
        one = np.where(falling, depth[firsts, firsts], depth[firsts, lasts])
        other = np.where(falling, depth[lasts, lasts], depth[lasts, firsts])
        around = (across[:-1], across[1:], upright[:, :-1], upright[:, 1:])
        out[middles, middles] = np.maximum.reduce([middle(middles, middles, one, other), *around])
        size *= 2
    return out


def _raise(sides: Field, beside: Field) -> None:
    """Raises each row of sides to the two rows of `beside` above and below it."""
    np.maximum(sides[:-1], beside[::2], out=sides[:-1])
    np.maximum(sides[1:], beside[1::2], out=sides[1:])


def triangles(errors: Field, threshold: float) -> Indices:
    """The network that halves every edge whose error is above the threshold.

    Triangles (n, 3, 2) as grid points (row, column), the right angle last; all turn the same way, which
    is counter-clockwise once rows point up.
    """
    c = len(errors) - 1
    live = np.array([[[0, 0], [c, c], [0, c]], [[c, c], [0, 0], [c, 0]]])
    done = []
    while len(live):
        middle = (live[:, 0] + live[:, 1]) // 2
        divisible = np.abs(live[:, 0] - live[:, 1]).max(axis=1) > 1
        split = divisible & (errors[middle[:, 0], middle[:, 1]] > threshold)
        done.append(live[~split])
        a, b, apex = (live[split][:, k] for k in range(3))
        middle = middle[split]
        live = np.concatenate([np.stack([apex, a, middle], 1), np.stack([b, apex, middle], 1)])
    return np.concatenate(done)
