"""A right-triangulated irregular network over the grid: many triangles where the surface bends, few else.

The square is halved into right isosceles triangles again and again (Evans, Kirkpatrick & Townsend
2001), each at the middle of its longest edge. A middle's error is made at least that of all that its
triangles are halved into, so every threshold gives triangles that match along every edge.
"""

import numpy as np

from worker.engines.silhouette.arrays import Field, Indices
from worker.engines.silhouette.relief import Relief

_At = tuple[slice, slice]
"""Some of the grid's points: rows, columns."""


def errors(relief: Relief) -> Field:
    """For each grid point, how far the relief's outline, front and back lie from the middle of the edge
    that it halves: in cells, perpendicular to the surface; 0 where nothing of the object is near.
    """
    outline, squared = relief.outline, relief.squared
    depth = np.sign(squared) * np.sqrt(np.abs(squared))
    sheets = [(relief.middle + depth, 1), (relief.middle - depth, -1)]
    slopes = np.gradient(squared), np.gradient(relief.middle)
    out = np.zeros_like(squared)
    cells = len(squared) - 1

    def middle(at: _At, one: _At, other: _At) -> Field:
        """The errors at the grid points `at`, the middles of edges from `one` to `other`."""
        inside = [outline[end] > 0 for end in (at, one, other)]
        seen = inside[0] | inside[1] | inside[2]
        crossed = seen & ~(inside[0] & inside[1] & inside[2])
        error = np.where(crossed, np.abs(outline[at] - (outline[one] + outline[other]) / 2), 0)
        for sheet, side in sheets:
            # The surface is where h² = u|u|, u being the height over the middle.
            u = side * ((sheet[one] + sheet[other]) / 2 - relief.middle[at])
            gap = np.abs(squared[at] - u * np.abs(u))
            steep = sum((s[at] + 2 * side * u * m[at]) ** 2 for s, m in zip(*slopes, strict=True))
            np.maximum(error, np.where(seen, gap / np.sqrt(steep + 4 * u * u + 1e-6), 0), out=error)
        return error

    size = 2
    while size <= cells:
        corners, middles = slice(None, None, size), slice(size // 2, None, size)
        firsts, lasts = slice(None, -1, size), slice(size, None, size)
        # Middles of the sides of squares of `size`; what they are halved into are the centres, one
        # size down, of the four squares around them.
        across = middle((corners, middles), (corners, firsts), (corners, lasts))
        upright = middle((middles, corners), (firsts, corners), (lasts, corners))
        if size > 2:
            centres = out[size // 4 :: size // 2, size // 4 :: size // 2]
            _raise(across, np.maximum(centres[:, ::2], centres[:, 1::2]))
            _raise(upright.T, np.maximum(centres[::2], centres[1::2]).T)
        out[corners, middles], out[middles, corners] = across, upright

        # Centres of the squares, halving the diagonal that meets the centre of the next larger square.
        falling = np.indices((cells // size, cells // size)).sum(axis=0) % 2 == 0
        diagonal = np.where(
            falling,
            middle((middles, middles), (firsts, firsts), (lasts, lasts)),
            middle((middles, middles), (firsts, lasts), (lasts, firsts)),
        )
        around = (across[:-1], across[1:], upright[:, :-1], upright[:, 1:])
        out[middles, middles] = np.maximum.reduce([diagonal, *around])
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
