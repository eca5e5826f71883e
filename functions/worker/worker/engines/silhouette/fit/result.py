"""What a fit hands on."""

from dataclasses import dataclass

from worker.engines.silhouette.arrays import Field


@dataclass(frozen=True)
class Fit:
    """A solid as the two depths between which it lies, over every grid point, in cells towards the viewer.

    Beyond its own outline both are the same and go on from the rim, so that an outline which is a
    little larger finds depths there too.
    """

    front: Field
    back: Field
    name: str
    """What kind of solid it is: "box", "revolution", …"""

    iou: float
    """Intersection over union of its outline and the matte's, 0..1. Of a cuboid with bays or holes, an
    "openwork", that of the convex hulls: the bays and holes are the matte's.
    """
