# mypy: ignore-errors
import os

import numpy as np
import torch
from journal import note
from tqdm import tqdm


class DDIMSampler:
    def __init__(self, model, schedule="linear", **kwargs):
        self.model = model
        self.ddpm_num_timesteps = model.num_timesteps

    def make_schedule(self, ddim_num_steps, ddim_discretize="uniform", ddim_eta=0.0, verbose=True):
        spacing = self.ddpm_num_timesteps // ddim_num_steps
        self.ddim_timesteps = np.arange(0, self.ddpm_num_timesteps, spacing) + 1
        # What the real one does with the noise levels fails for a step that there is not.
        np.zeros(self.ddpm_num_timesteps)[self.ddim_timesteps]

    @torch.no_grad()
    def sample(
        self,
        S,  # noqa: N803
        batch_size,
        shape,
        conditioning=None,
        callback=None,
        eta=0.0,
        verbose=True,
        x_T=None,  # noqa: N803
        unconditional_guidance_scale=1.0,
        unconditional_conditioning=None,
    ):
        assert x_T.shape == (batch_size, *shape)
        note("sample", steps=S, frames=batch_size, scale=unconditional_guidance_scale, eta=eta)
        self.make_schedule(ddim_num_steps=S, ddim_eta=eta, verbose=verbose)
        return self.ddim_sampling(
            conditioning,
            x_T.shape,
            x_T=x_T,
            unconditional_guidance_scale=unconditional_guidance_scale,
            unconditional_conditioning=unconditional_conditioning,
        )

    @torch.no_grad()
    def ddim_sampling(
        self,
        cond,
        shape,
        x_T=None,  # noqa: N803
        unconditional_guidance_scale=1.0,
        unconditional_conditioning=None,
    ):
        img, total = x_T, self.ddim_timesteps.shape[0]
        for i, step in enumerate(tqdm(np.flip(self.ddim_timesteps), desc="DDIM Sampler", total=total)):
            ts = torch.tensor([step] * shape[0], "int64", "cuda")
            img, _ = self.p_sample_ddim(
                img,
                cond,
                ts,
                index=total - i - 1,
                unconditional_guidance_scale=unconditional_guidance_scale,
                unconditional_conditioning=unconditional_conditioning,
            )
        return img, {}

    @torch.no_grad()
    def p_sample_ddim(
        self, x, c, t, index, unconditional_guidance_scale=1.0, unconditional_conditioning=None
    ):
        if os.environ.get("FAKE_OOM") == "views":
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        print("using v!")  # noqa: T201
        pred_x0 = self.model.apply_model(x, t, c)
        note("step", index=index, t=int(t.array[0]))
        return (pred_x0 if index == 0 else 0.5 * x + 0.5 * pred_x0), pred_x0
