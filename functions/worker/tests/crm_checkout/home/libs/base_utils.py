# mypy: ignore-errors
import accelerate  # noqa: F401
import torch  # noqa: F401
import wandb  # noqa: F401
from absl import logging  # noqa: F401
from diffusers.training_utils import EMAModel  # noqa: F401
from omegaconf import OmegaConf  # noqa: F401
from rich import print  # noqa: A004, F401


def do_resize_content(original_image, scale_rate):
    assert scale_rate == 1
    return original_image
