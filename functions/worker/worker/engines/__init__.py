"""The engines, by the name that `ENGINE` chooses them by."""

from worker.engine import Engine

NAMES = ("silhouette",)


def load(name: str, *, faces: int, preview: bool = False) -> Engine:
    """Imports and makes the engine `name`, one of NAMES; `faces` is the most triangles of a model,
    `preview` asks for one more result, a picture to judge the model by.

    Engines are imported here and not at the top, so that only the chosen one costs time and memory.
    """
    match name:
        case "silhouette":
            from worker.engines.silhouette import Silhouette

            return Silhouette(faces=faces, preview=preview)
    raise ValueError(f"no engine is called {name!r}")
