"""Decides how deep the object is at each point of the picture."""

from collections.abc import Callable

import numpy as np

from worker.engines.silhouette import inflate
from worker.engines.silhouette.arrays import Bytes, Field
from worker.engines.silhouette.grid import Grid
from worker.engines.silhouette.relief import Relief


def estimate(rgba: Bytes, matte: Field, check: Callable[[], None]) -> Relief:
    """The relief of the object that `matte` (0..1) cuts out of the picture `rgba` (h, w, 4).

    `check` is called between steps and may raise. Raises ImageRejected where the matte is empty.
    """
    grid = Grid.around(matte)
    squared = inflate.balls(grid.sample_matte(matte), check)
    return Relief(
        grid=grid,
        outline=inflate.outline(squared),
        middle=np.zeros_like(squared),
        squared=squared,
        profile="round",
    )
