"""How thick something flat is that faces the viewer: nobody can see it, so what such things mostly are."""

from worker.engines.silhouette.contour import Contour

BUILT = 0.5
"""What is square in more than this share of its outline is built of boxes, not cut from a sheet."""

BLOCK, PANEL, FRAME = 1.0, 0.4, 0.5
"""Half the depth of what is built, in half the shorter side of its outline: massive; massive and of a page's
proportions, as books, doors and cupboards are; with openings.
"""

MASSIVE = 0.9
"""The share of its convex hull that the outline of something massive fills."""

PAGE = 1.2, 2.2
"""Height by width, from and to, of a page."""

RECTANGLE = 0.95
"""The share of a rectangle's outline that is square, but for its corners."""

SHEET = 0.1
"""Half the thickness of anything else, in half the longer side of its outline."""


def half_thickness(contour: Contour) -> float:
    """Half the thickness of a slab of this contour, in cells."""
    if contour.squareness > BUILT:
        return _depth(contour) * min(contour.height, contour.width) / 2
    return SHEET * max(contour.height, contour.width) / 2


def _depth(contour: Contour) -> float:
    if contour.solidity < MASSIVE:
        return FRAME
    page = contour.squareness > RECTANGLE and PAGE[0] < contour.proportion < PAGE[1]
    return PANEL if page else BLOCK
