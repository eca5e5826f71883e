"""The engine `silhouette`: a solid from one picture's outline, on the CPU, without weights or network.

It cuts the object out (matte), gives it depth (inflate), meshes it closed (mesh), paints it with the
picture (texture), draws the six views (views) and writes the files (pack). The same picture always
gives the same bytes.
"""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import numpy as np

from worker import picture
from worker.engine import Cancelled, ImageRejected, JobCancelled, OnStage
from worker.engines.silhouette import depth, matte, mesh, pack, texture, views

PICTURE_SIDE = 2048
"""Larger pictures are reduced to this longer side: the atlas shows no more."""

# Each stage with the share of the work done at its begin, measured on a picture of a megapixel.
STAGES = {"read": 0.0, "matte": 0.05, "inflate": 0.2, "mesh": 0.3, "texture": 0.4, "views": 0.45, "pack": 0.9}


class Silhouette:
    """The engine, see `worker.engine.Engine`.

    `faces` is the most triangles a model may have; `preview` adds the result preview.png, for people who
    work on the engine.
    """

    name = "silhouette"
    stages = tuple(STAGES)

    def __init__(self, *, faces: int, preview: bool = False) -> None:
        self._faces = faces
        self._preview = preview

    def reconstruct(
        self, image: Path, out: Path, on_stage: OnStage, cancelled: Cancelled, formats: Collection[str] = ()
    ) -> Iterator[Path]:
        """Yields pixel_images.png, xyz_images.png, output3d.zip and model.glb, each once it is written."""

        def check() -> None:
            if cancelled():
                raise JobCancelled

        def enter(stage: str) -> None:
            check()
            on_stage(stage, STAGES[stage])

        enter("read")
        try:
            rgba = picture.read(image, PICTURE_SIDE)
        except (picture.UnknownType, picture.Undecodable, picture.TooManyPixels) as error:
            raise ImageRejected(f"The picture can't be read: {error}.") from error
        enter("matte")
        alpha = matte.cut_out(rgba, check)
        enter("inflate")
        solid = depth.estimate(rgba, alpha, check)
        enter("mesh")
        model = mesh.build(solid, self._faces, check)
        enter("texture")
        paint = texture.paint(rgba, alpha, model)
        enter("views")
        yield _strip(out / "pixel_images.png", lambda view: views.colours(model, paint, view), check)
        yield _strip(out / "xyz_images.png", lambda view: views.coordinates(model, view), check)
        enter("pack")
        pack.write_zip(model, paint, out / "output3d.zip")
        yield out / "output3d.zip"
        check()
        pack.write_glb(model, paint, out / "model.glb")
        yield out / "model.glb"
        if self._preview:
            (out / "preview.png").write_bytes(pack.png(views.preview(model, paint)))
            yield out / "preview.png"


def _strip(
    path: Path,
    draw: Callable[[str], np.ndarray[tuple[int, ...], np.dtype[np.uint8]]],
    check: Callable[[], None],
) -> Path:
    """Draws the six views side by side into a PNG file."""
    tiles = []
    for view in views.VIEWS:
        check()
        tiles.append(draw(view))
    path.write_bytes(pack.png(np.concatenate(tiles, axis=1)))
    return path
