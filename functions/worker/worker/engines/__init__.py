"""The engines, by the name that `ENGINE` chooses them by."""

from worker.engine import Engine
from worker.engines.settings import EngineSettings


def load(settings: EngineSettings, *, preview: bool = False) -> Engine:
    """Imports and makes the chosen engine. Raises EngineUnavailable where something that it needs is missing.

    `preview` asks for one more result, a picture to judge the model by. Engines are imported here and not
    at the top, so that only the chosen one costs time and memory.
    """
    match settings.engine:
        case "silhouette":
            from worker.engines.silhouette import Silhouette

            return Silhouette(faces=settings.faces, preview=preview)
        case "crm":
            # Its six views are the picture to judge it by.
            from worker.engines import crm

            return crm.load(settings)
    raise ValueError(f"no engine is called {settings.engine!r}")
