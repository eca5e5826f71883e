"""What the engines read from the environment."""

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

NAMES = ("silhouette",)
"""What `ENGINE` may be; the first is the default."""


class EngineSettings(BaseSettings):
    """Read once, in the engine's process. Each field is the environment variable of its name in capitals."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    engine: str = NAMES[0]
    faces: int = Field(20_000, ge=1000, le=200_000)
    """The most triangles of a model."""

    @field_validator("engine")
    @classmethod
    def _known_engine(cls, value: str) -> str:
        if value not in NAMES:
            raise ValueError(f"must be one of: {', '.join(NAMES)}")
        return value
