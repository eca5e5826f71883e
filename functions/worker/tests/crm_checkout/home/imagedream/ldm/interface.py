# mypy: ignore-errors
import numpy as np
import torch
import xformers.ops  # noqa: F401

from .util import instantiate_from_config


class LatentDiffusionInterface(torch.nn.Module):
    """Latents are (frames, 4, 32, 32). Of what it makes, channel 0 tells the view, the others the chance."""

    def __init__(self, unet_config, clip_config, vae_config, timesteps=1000):
        super().__init__()
        self.channels = unet_config["params"]["in_channels"]
        self.clip_model = instantiate_from_config(clip_config)
        self.num_timesteps = timesteps

    def get_learned_conditioning(self, prompts):
        assert isinstance(prompts, list)
        return torch.Tensor(np.full((1, 77, 1024), len(prompts[0]), np.float16), "cuda")

    def get_learned_image_conditioning(self, images):
        grey = np.asarray(images, np.float32).mean() / 255
        return torch.Tensor(np.full((1, 257, 1280), grey, np.float16), "cuda")

    def encode_first_stage(self, x):
        assert x.shape[1:] == (3, 256, 256)
        assert x.device == "cuda"
        means = x.array.reshape(len(x.array), 3, 32, 8, 32, 8).mean(axis=(3, 5))
        return torch.Tensor(np.concatenate([means, means[:, :1]], axis=1), "cuda")

    def get_first_stage_encoding(self, encoder_posterior):
        return 0.18215 * (encoder_posterior + 0.01 * torch.randn_like(encoder_posterior))

    def q_sample(self, x_start, t, noise=None):
        return 0.1 * x_start + 0.9 * torch.randn_like(x_start)

    def apply_model(self, x_noisy, t, cond):
        """(frames, 4, 32, 32): where the latents are to go."""
        assert isinstance(cond, dict)
        assert ("pixel_images" in cond) == (self.channels == 8)
        target = 0.2 * x_noisy.array + 0.1 * np.float32(cond["ip"].array.mean())
        target[:, 0] = cond["camera"].array[:, 0, None, None] / 10
        return torch.Tensor(target, "cuda")

    def decode_first_stage(self, z):
        pixels = np.repeat(np.repeat(z.array[:, :3], 8, axis=2), 8, axis=3)
        return torch.Tensor(np.clip(pixels, -1, 1), "cuda")
