"""Renders the models that the engine makes of the sample pictures, swinging from side to side: a row of FRAMES tiles each.

    cd functions/web/src/assets/samples
    PYTHONPATH=../../../../worker ../../../../worker/.venv/bin/python turns.py [name …]
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from worker import engines
from worker.engines import silhouette
from worker.engines.settings import EngineSettings
from worker.engines.silhouette.studio import Camera, Frame, Studio

SIDE = 360
FRAMES = 24
SWING = np.radians(40)
PITCH = 0.22


def swing(studio: Studio) -> Image.Image:
    """From the left to the right, slow at both ends: played forth and back, it swings."""
    cameras = [Camera(yaw, PITCH) for yaw in -SWING * np.cos(np.linspace(0, np.pi, FRAMES))]
    frame = Frame.around([camera.project(studio.points) for camera in cameras])
    return Image.fromarray(np.hstack([studio.shoot(camera, frame, SIDE, 2) for camera in cameras]))


def main(names: list[str]) -> None:
    here = Path(__file__).parent
    for name in names:
        studios: list[Studio] = []
        # The engine's own studio, asked for at the place where it turns the model.
        silhouette.turntable.turntable = lambda studio, check: studios.append(studio) or b""
        with TemporaryDirectory() as out:
            engine = engines.load(EngineSettings())
            list(engine.reconstruct(here / f"{name}.webp", Path(out), formats=(), on_stage=lambda *_: None, cancelled=lambda: False))
        swing(studios[0]).save(here / f"{name}-turn.webp", quality=70, alpha_quality=80, method=6)


main(sys.argv[1:] or ["duck", "toadstool", "rocket", "teapot"])
