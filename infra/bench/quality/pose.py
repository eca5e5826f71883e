"""A solid as a viewer sees it: turned, centred and scaled into the product's frame."""

from dataclasses import dataclass

import numpy as np

from quality.arrays import Floats, Points
from quality.sdf import Union


@dataclass(frozen=True)
class Posed:
    """A solid in the product's frame: right-handed, X to the viewer's right, Y up, Z towards the viewer,
    its bounding box centred on the origin, the longest half-extent 1.
    """

    surface: Union
    rotation: Floats
    """(3, 3), from the solid's own axes to the viewer's."""

    centre: Floats
    """(3,), of the bounding box, along the viewer's axes, in the solid's own unit."""

    scale: float
    """The longest half-extent in the solid's own unit."""

    half: Floats
    """(3,), half-extents in the product's frame."""

    def distance(self, p: Points) -> Floats:
        """Signed distances of points (3, n), (n,)."""
        return self.surface.distance(self.own(p)) / self.scale

    def own(self, p: Points) -> Points:
        """The points in the solid's own frame."""
        points: Points = self.rotation.T @ (p * self.scale + self.centre[:, None])
        return points

    def normals(self, p: Points) -> Points:
        """Outward unit normals at points of the surface, by differences over a tetrahedron."""
        step = 1e-4
        corners = np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], np.float64)
        gradient = sum(corner[:, None] * self.distance(p + step * corner[:, None]) for corner in corners)
        unit: Points = gradient / np.maximum(np.linalg.norm(gradient, axis=0), 1e-12)
        return unit


def posed(surface: Union, azimuth: float, elevation: float) -> Posed:
    """Seen by a viewer who went `azimuth` degrees to the right around it and `elevation` up."""
    a, e = np.radians([azimuth, elevation])
    around = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    tilt = np.array([[1, 0, 0], [0, np.cos(e), -np.sin(e)], [0, np.sin(e), np.cos(e)]])
    rotation = tilt @ around
    high = np.array([surface.support(axis) for axis in rotation])
    low = -np.array([surface.support(-axis) for axis in rotation])
    half = (high - low) / 2
    scale = float(half.max())
    return Posed(surface, rotation, (high + low) / 2, scale, half / scale)
