"""`python -m tests.quick_engine`: an engine whose results have the usual names and no content to speak of."""

from collections.abc import Collection, Iterator
from pathlib import Path

from worker import child
from worker.engine import Cancelled, JobCancelled, OnStage

RESULTS = ("pixel_images.png", "xyz_images.png", "output3d.zip", "model.glb", "thumbnail.png", "report.json")


class Quick:
    name = "quick"
    stages = ("matte", "mesh")

    def reconstruct(
        self, image: Path, out: Path, on_stage: OnStage, cancelled: Cancelled, formats: Collection[str] = ()
    ) -> Iterator[Path]:
        picture = image.read_bytes()
        on_stage("matte", 0)
        for number, name in enumerate((*RESULTS, *(f"model.{name}" for name in formats))):
            if cancelled():
                raise JobCancelled
            on_stage("mesh", number / len(RESULTS))
            path = out / name
            path.write_bytes(name.encode() + picture[-1000:])
            yield path


if __name__ == "__main__":
    child.serve(Quick)
