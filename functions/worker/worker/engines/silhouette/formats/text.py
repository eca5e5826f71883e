"""Arrays as text."""

import numpy as np

from worker.engines.silhouette.arrays import Floats, Indices


def rows(template: str, values: Floats | Indices) -> str:
    """The template, %-formatted with each row of values (n, k), one after the other.

    Templates take %.6f for floats: a millionth of the model's half-extent is finer than any edge of it.
    """
    return template * len(values) % tuple(np.ravel(values).tolist())
