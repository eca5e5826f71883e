"""Counting what a mesh is, on meshes that are known."""

import numpy as np
import pytest
import trimesh

from worker.engines.silhouette.topology import Topology, examine

BALL = trimesh.creation.icosphere(subdivisions=2).faces
TORUS = trimesh.creation.torus(1, 0.3, 16, 12).faces
TETRAHEDRON = np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]])


def apart(
    *meshes: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """The meshes as one, without a common vertex."""
    ends = np.cumsum([0, *(int(faces.max()) + 1 for faces in meshes)])
    return np.concatenate([faces + begin for faces, begin in zip(meshes, ends, strict=False)])


@pytest.mark.parametrize(
    ("faces", "expected"),
    [
        (BALL, Topology(watertight=True, manifold=True, euler_number=2, components=1)),
        (TORUS, Topology(watertight=True, manifold=True, euler_number=0, components=1)),
        (apart(TORUS, BALL, TETRAHEDRON), Topology(True, True, euler_number=4, components=3)),
        (BALL + 7, Topology(True, True, euler_number=2, components=1)),
    ],
    ids=["ball", "torus", "three pieces", "unused vertices"],
)
def test_closed_meshes(faces: np.ndarray[tuple[int, ...], np.dtype[np.int64]], expected: Topology) -> None:
    assert examine(faces) == expected


def test_an_open_mesh() -> None:
    found = examine(BALL[1:])
    assert not found.watertight
    assert not found.manifold
    assert (found.euler_number, found.components) == (1, 1)


def test_a_face_turned_over() -> None:
    faces = TETRAHEDRON.copy()
    faces[2] = faces[2, ::-1]
    assert not examine(faces).watertight


def test_a_face_twice() -> None:
    assert not examine(np.concatenate([TETRAHEDRON, TETRAHEDRON[:1]])).watertight


def test_two_bodies_on_one_edge() -> None:
    faces = apart(TETRAHEDRON, TETRAHEDRON)
    faces[faces == 4], faces[faces == 5] = 0, 1
    assert not examine(faces).watertight


def test_two_bodies_on_one_vertex_are_watertight_and_no_manifold() -> None:
    faces = apart(TETRAHEDRON, TETRAHEDRON)
    faces[faces == 4] = 0
    assert examine(faces) == Topology(watertight=True, manifold=False, euler_number=3, components=1)
