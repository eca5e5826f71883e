"""Names for the arrays that the stages hand on. Rows run down and columns right unless said otherwise.

The type checker sees them all as arrays: OpenCV's and NumPy's stubs do not carry element types
through arithmetic. The names say which elements are meant.
"""

from typing import Any

import numpy.typing as npt

Bytes = npt.NDArray[Any]
"""uint8: pictures, (h, w, channels)."""

Mask = npt.NDArray[Any]
"""bool, (h, w)."""

Field = npt.NDArray[Any]
"""float32, one value a grid point or pixel."""

Floats = npt.NDArray[Any]
"""float64: points and vectors, a row each."""

Indices = npt.NDArray[Any]
"""int64."""
