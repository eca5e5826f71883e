"""Names for the arrays that the bench hands on, as the engine's own `arrays` has them."""

from typing import Any

import numpy.typing as npt

Points = npt.NDArray[Any]
"""Floating point, (3, n): rows x, y, z. Contiguous rows keep the arithmetic on them fast."""

Floats = npt.NDArray[Any]
"""Floating point, of the shape that is said."""

Bytes = npt.NDArray[Any]
"""uint8: pictures, (h, w, channels), rows down."""

Mask = npt.NDArray[Any]
"""bool, of the shape that is said."""

Indices = npt.NDArray[Any]
"""int64."""

Voxels = npt.NDArray[Any]
"""bool, (n, n, n), indexed [x, y, z]; cell centres at -1 + (i + 1/2) * 2 / n on each axis."""
