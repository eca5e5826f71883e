"""The worker's configuration: environment variables and nothing else."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import NoDecode

from worker.duration import Duration
from worker.engines.settings import EngineSettings
from worker.signing import decode_secret


class Settings(EngineSettings):
    """Read once at start. Each field is an environment variable of the same name in capitals."""

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    """0: the system chooses; the log says which."""

    data_dir: Path = Field(".data/worker", validate_default=True)
    """Accepted jobs, undelivered messages and their files: what has to outlive the process. Not shared."""

    callback_secrets: Annotated[tuple[bytes, ...], NoDecode, Field(min_length=1)]
    """Separated by spaces, each `whsec_` and base64. The first signs, any verifies.

    Always required, on the loopback interface too: without one neither a dispatch can be verified nor
    a callback signed.
    """

    queue_max: int = Field(8, ge=0, le=1000)
    """Jobs that may wait beside the one that runs."""

    heartbeat_seconds: float = Field(5, ge=0.1, le=60)

    stage_timeout: Duration = Field("5m", validate_default=True)
    """The engine's process is replaced when one stage, or one step of it, takes longer."""

    recycle_after: int = Field(100, ge=0)
    """Jobs after which the engine's process is replaced by a fresh one; 0: never."""

    engine_memory_max: int = Field(0, ge=0)
    """Bytes of memory of its own that the engine's process may have (RLIMIT_DATA); 0: no bound."""

    drain_timeout: Duration = Field("25s", validate_default=True)
    """From SIGTERM to the end: what computes may finish, the rest is given back."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"

    otel_exporter_otlp_endpoint: str = ""
    """An OTLP/HTTP receiver for spans. OpenTelemetry's library reads this and its other variables itself."""

    @field_validator("callback_secrets", mode="before")
    @classmethod
    def _split_secrets(cls, value: object) -> object:
        return tuple(decode_secret(secret) for secret in value.split()) if isinstance(value, str) else value

    @field_validator("log_level", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value


def explain(error: ValidationError) -> str:
    """One line for each variable that is missing or wrong; never a value, it may be a secret."""
    lines = [
        f"  {str(e['loc'][0]).upper()}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()
    ]
    return "\n".join(["the worker can't start with this environment:", *lines])
