# mypy: ignore-errors
import importlib.util

import numpy as np
from journal import note

# As the real one does: asked once, when it is imported.
ACCELERATE_AVAILABLE = importlib.util.find_spec("accelerate") is not None


class SchedulerMixin:
    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path=None, subfolder=None, return_unused_kwargs=False):
        raise OSError(f"{pretrained_model_name_or_path} is not a valid model identifier on the hub")


class DDIMScheduler(SchedulerMixin):
    def __init__(
        self,
        num_train_timesteps=1000,
        beta_start=0.0001,
        beta_end=0.02,
        beta_schedule="linear",
        trained_betas=None,
        clip_sample=True,
        set_alpha_to_one=True,
        steps_offset=0,
        prediction_type="epsilon",
    ):
        assert beta_schedule == "scaled_linear"
        betas = np.linspace(beta_start**0.5, beta_end**0.5, num_train_timesteps) ** 2
        self.alphas_cumprod = np.cumprod(1 - betas)
        note("scheduler", first=float(betas[0]), last=float(betas[-1]), accelerate=ACCELERATE_AVAILABLE)

    def add_noise(self, original_samples, noise, timesteps):
        kept = float(self.alphas_cumprod[timesteps.array[0]])
        return original_samples * kept**0.5 + noise * (1 - kept) ** 0.5
