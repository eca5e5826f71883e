"""What a mesh is by its connections alone: closed or not, in how many pieces, with how many holes."""

from dataclasses import dataclass

import numpy as np

from worker.engines.silhouette.arrays import Indices


@dataclass(frozen=True)
class Topology:
    """Counted, not assumed."""

    watertight: bool
    """Every edge has exactly two faces, and they turn the same way."""

    manifold: bool
    """It is watertight, and around every vertex is one fan of faces."""

    euler_number: int
    """Vertices - edges + faces: 2 for each ball, 0 for each torus."""

    components: int
    """Pieces that share no vertex."""


def examine(faces: Indices) -> Topology:
    """The topology of faces (m, 3); vertices that no face names do not count."""
    used, faces = np.unique(faces, return_inverse=True)
    faces = faces.reshape(-1, 3)
    starts, ends = faces.ravel(), faces[:, [1, 2, 0]].ravel()
    there, back = starts * len(used) + ends, ends * len(used) + starts
    by_there, by_back = np.argsort(there, kind="stable"), np.argsort(back, kind="stable")
    once = bool((np.diff(there[by_there]) > 0).all())
    watertight = once and np.array_equal(there[by_there], back[by_back])
    edges = len(np.unique(np.minimum(there, back)))
    return Topology(
        watertight=watertight,
        manifold=watertight and _fans(by_there, by_back) == len(used),
        euler_number=len(used) - edges + len(faces),
        components=_pieces(len(used), starts, ends),
    )


def _fans(half_edges: Indices, opposites: Indices) -> int:
    """Fans of faces around vertices. Half-edge 3f + k leaves corner k of face f; each has one opposite."""
    arriving_at_next = opposites - opposites % 3 + (opposites + 1) % 3
    return _pieces(len(half_edges), half_edges, arriving_at_next)


def _pieces(count: int, ones: Indices, others: Indices) -> int:
    """Connected components of a graph of `count` nodes with an edge from each of ones to that of others.

    Every node's label sinks to the least around it, by leaps (Shiloach & Vishkin 1982).
    """
    labels = np.arange(count)
    while True:
        one, other = labels[ones], labels[others]
        least = np.minimum(one, other)
        lower = labels.copy()
        np.minimum.at(lower, one, least)
        np.minimum.at(lower, other, least)
        lower = lower[lower]
        if np.array_equal(lower, labels):
            return len(np.unique(labels))
        labels = lower
