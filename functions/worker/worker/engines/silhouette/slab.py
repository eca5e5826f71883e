"""How thick something flat is that faces the viewer: nobody can see it, so what such things mostly are."""

from worker.engines.silhouette.contour import Contour

BUILT = 0.5
"""What stands upright for more than this share of its height is built: of boxes, not cut from a sheet."""

BLOCK, FRAME = 0.9, 0.5
"""Half the depth of what is built, in half the shorter side of its outline: massive, or with openings."""

MASSIVE = 0.9
"""The share of its convex hull that the outline of something massive fills."""

SHEET = 0.1
"""Half the thickness of anything else, in half the longer side of its outline."""


def half_thickness(contour: Contour) -> float:
    """Half the thickness of a slab of this contour, in cells."""
    if contour.uprightness > BUILT:
        share = BLOCK if contour.solidity > MASSIVE else FRAME
        return share * min(contour.height, contour.width) / 2
    return SHEET * max(contour.height, contour.width) / 2
