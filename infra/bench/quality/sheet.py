"""A sheet of pictures: what went in, what was cut out, what came out, and what it should have been."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from quality import raster, rays
from quality.arrays import Bytes, Floats, Points
from quality.case import Case
from quality.engine import Model
from quality.maps import VIEWS
from quality.metrics import Scores
from quality.rays import Camera

CELL = 128
"""Pixels a side of each picture on the sheet."""

ROWS = 12
"""On a page."""

PAPER = 238

WIDER = 1.25
"""A view from an angle shows so many half-extents to each side."""

COLUMNS = ("picture", "matte", "left", "below", "back", "right", "above", "front", "result", "solid")


def row(case: Case, background: str, rgba: Bytes, model: Model | None, scores: Scores) -> Bytes:
    """One case's pictures side by side under its name, (CELL + a line, 10 * CELL, 3)."""
    angle = _turned(35, 25)
    cells = [_fitted(rgba)]
    if model is None:
        cells += [np.full((CELL, CELL, 3), PAPER, np.uint8)] * 8
    else:
        cells.append(_fitted(np.rint(model.matte * 255).astype(np.uint8)))
        cells += [_mesh(model, np.array(axes, np.float64), 1.05) for axes in VIEWS]
        cells.append(_mesh(model, angle, WIDER))
    cells.append(_solid(case, angle))
    words = "  ".join(f"{name} {score:.3f}" for name, score in scores.items())
    label = f"{case.name} {background}  ({case.kind}, {model.profile if model else 'rejected'})   {words}"
    return np.concatenate([_line(label, len(cells) * CELL), np.concatenate(cells, axis=1)])


def write(rows: Sequence[Bytes], folder: Path) -> list[Path]:
    """The sheet's pages as PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("sheet-*.png"):
        old.unlink()
    head = np.concatenate([_line(name, CELL) for name in COLUMNS], axis=1)
    pages = []
    for number, begin in enumerate(range(0, len(rows), ROWS), 1):
        page = folder / f"sheet-{number:02}.png"
        Image.fromarray(np.concatenate([head, *rows[begin : begin + ROWS]])).save(page)
        pages.append(page)
    return pages


def _mesh(model: Model, axes: Floats, wide: float) -> Bytes:
    """The mesh from along `axes` (right, up, towards), faces lit flat."""
    size = 2 * CELL
    right, up, towards = (model.vertices @ axes.T).T
    met = raster.meetings(
        (right / wide + 1) * size / 2 - 0.5, (up / wide + 1) * size / 2 - 0.5, model.faces, size, size
    )
    front = raster.nearest(met, met.interpolate(towards), size)
    a, b, c = (model.vertices[met.corners[front][:, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a) @ axes.T
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    shade = np.full((size, size), np.nan)
    shade[met.row[front], met.column[front]] = _lit(normals.T)
    return _reduced(shade[::-1])


def _solid(case: Case, axes: Floats) -> Bytes:
    """The true solid from the same angle."""
    size = 2 * CELL

    def seen(points: Points) -> Floats:
        return case.posed.distance(axes.T @ points)

    hits = rays.cast(seen, Camera(size, size, 2 * WIDER / size))
    shade = np.full((size, size), np.nan)
    shade[hits.mask] = _lit(axes @ case.posed.normals(axes.T @ hits.points))
    return _reduced(shade)


def _turned(azimuth: float, elevation: float) -> Floats:
    """The axes (right, up, towards) of a viewer who went so many degrees to the right and up."""
    a, e = np.radians([azimuth, elevation])
    return np.array(
        [
            [np.cos(a), 0, -np.sin(a)],
            [-np.sin(e) * np.sin(a), np.cos(e), -np.sin(e) * np.cos(a)],
            [np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)],
        ]
    )


def _lit(normals: Points) -> Floats:
    """Grey in 0..255 from normals (3, n) in the viewer's frame, by a light at the upper left."""
    light = np.array([-0.45, 0.6, 0.66])
    grey: Floats = 60 + 170 * np.clip(light @ normals, 0, 1)
    return grey


def _reduced(shade: Floats) -> Bytes:
    """Halves a picture of greys, paper where it is NaN."""
    filled = np.where(np.isnan(shade), PAPER, shade)
    small = filled.reshape(CELL, 2, CELL, 2).mean(axis=(1, 3))
    return np.repeat(np.rint(small).astype(np.uint8)[..., None], 3, axis=2)


def _fitted(picture: Bytes) -> Bytes:
    """The picture in a cell, on paper."""
    image = Image.fromarray(picture).convert("RGBA")
    image.thumbnail((CELL, CELL))
    cell = Image.new("RGBA", (CELL, CELL), (PAPER, PAPER, PAPER, 255))
    cell.alpha_composite(image, ((CELL - image.width) // 2, (CELL - image.height) // 2))
    return np.asarray(cell.convert("RGB"))


def _line(text: str, width: int) -> Bytes:
    image = Image.new("RGB", (width, 16), (255, 255, 255))
    ImageDraw.Draw(image).text((3, 2), text, fill=(0, 0, 0))
    return np.asarray(image)
