"""How thick something flat is that faces the viewer: nobody can see it, so what such things mostly are."""

from worker.engines.silhouette.contour import Contour

MASSIVE = 0.9
"""The share of its convex hull that the outline of something without openings fills."""

SQUARE, STRAIGHT = 0.5, 0.9
"""The shares of an outline in square edges, or, of something massive, in straight ones, from which on it is
built of boxes and beams, not cut from a sheet.
"""

RECTANGLE = 0.95
"""The share of a rectangle's outline that is square, but for its corners."""

BLOCK, PANEL, FRAME = 1.0, 0.4, 0.5
"""Half the depth of what is built, in half the shorter side of its outline: massive; massive and of a page's
proportions, as books, doors and cupboards are; with openings.
"""

PAGE = 1.2, 2.2
"""Height by width, from and to, of a page."""

SHEET = 0.1
"""Half the thickness of anything else, in half the longer side of its outline."""


def half_thickness(contour: Contour) -> float:
    """Half the thickness of a slab of this contour, in cells."""
    massive = contour.solidity > MASSIVE
    if contour.squareness > SQUARE or (massive and contour.straightness > STRAIGHT):
        page = rectangular(contour) and PAGE[0] < contour.proportion < PAGE[1]
        share = PANEL if page else BLOCK if massive else FRAME
        return share * min(contour.height, contour.width) / 2
    return SHEET * max(contour.height, contour.width) / 2


def rectangular(contour: Contour) -> bool:
    """Whether it is a rectangle that stands upright."""
    return contour.solidity > MASSIVE and contour.squareness > RECTANGLE
