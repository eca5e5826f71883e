"""The model as a file, a module a format. All in the mesh's own frame, and the same bytes every time."""

from collections.abc import Callable, Mapping

from worker.engines.silhouette.formats import ply, stl, threemf, usdz
from worker.engines.silhouette.model import Model

ON_REQUEST: Mapping[str, Callable[[Model], bytes]] = {
    "stl": stl.encode,
    "ply": ply.encode,
    "3mf": threemf.encode,
    "usdz": usdz.encode,
}
"""What makes the file of each of `worker.engine.FORMATS`."""
