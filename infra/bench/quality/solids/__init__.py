"""The catalogue of solids whose surfaces are known exactly."""

from quality.solids import boxy, flat, rounded, thin
from quality.solids.build import Kind, Solid

__all__ = ["KINDS", "Kind", "Solid", "catalogue"]

KINDS: tuple[Kind, ...] = ("round", "boxy", "flat", "thin")


def catalogue() -> list[Solid]:
    """Every solid, in an order that never changes."""
    groups = (
        *(rounded.primitives, rounded.turned, rounded.unions, rounded.animals),
        *(boxy.primitives, boxy.buildings, boxy.made),
        *(flat.standing, flat.lying),
        *(thin.furniture, thin.made, thin.living),
    )
    return [solid for group in groups for solid in group()]
