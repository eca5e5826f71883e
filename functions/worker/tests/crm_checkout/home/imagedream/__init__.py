# mypy: ignore-errors
from .model_zoo import build_model  # noqa: F401
