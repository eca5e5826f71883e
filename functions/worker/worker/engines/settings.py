"""What the engines read from the environment."""

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

NAMES = ("silhouette", "crm")
"""What `ENGINE` may be; the first is the default."""


class EngineSettings(BaseSettings):
    """Read once, in the engine's process. Each field is the environment variable of its name in capitals."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    engine: str = NAMES[0]
    faces: int = Field(default=20_000, ge=1000, le=200_000)
    """The most triangles of a model that `silhouette` makes."""

    crm_home: Path | None = None
    """A checkout of thu-ml/CRM. This and the next are what `crm` can't do without."""

    crm_weights: Path | None = None
    """The folder with CRM.pth, pixel-diffusion.pth and ccm-diffusion.pth."""

    crm_seed: int = Field(default=1234, ge=0, lt=2**32)
    """Of every random number of a job: the same picture and seed give the same model."""

    crm_scale: float = Field(default=5.0, ge=1, le=20)
    """The classifier-free guidance: how closely the views keep to the picture."""

    crm_steps: int = Field(default=50, ge=10, le=200)
    """DDIM steps of each of the two diffusions."""

    @field_validator("engine")
    @classmethod
    def _known_engine(cls, value: str) -> str:
        if value not in NAMES:
            raise ValueError(f"must be one of: {', '.join(NAMES)}")
        return value

    @field_validator("crm_steps")
    @classmethod
    def _possible_steps(cls, value: int) -> int:
        # CRM's sampler takes the training steps 1, 1+c, 1+2c, … below 1001, where c = 1000 // steps, and
        # there are only the steps 0 to 999: for some numbers (36, 37, 101 to 111) it asks for one too many.
        if 999 % (1000 // value) == 0:
            raise ValueError("CRM's sampler fails at this number of steps, take another, for instance 50")
        return value
