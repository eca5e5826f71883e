# mypy: ignore-errors
import pymeshlab  # noqa: F401


def clean_mesh(verts, faces, v_pct=1, min_f=0, min_d=0, repair=False, remesh=False, remesh_size=0.01):
    return verts, faces
