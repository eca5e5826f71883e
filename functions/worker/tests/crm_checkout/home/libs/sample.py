# mypy: ignore-errors
import numpy as np
import torch
import torchvision  # noqa: F401
from imagedream.camera_utils import get_camera_for_index
from imagedream.ldm.models.diffusion.ddim import DDIMSampler
from imagedream.ldm.util import set_seed  # noqa: F401

from libs.base_utils import do_resize_content  # noqa: F401


class _Diffusion:
    def __init__(
        self,
        model,
        device,
        dtype,
        mode,
        num_frames,
        camera_views,
        ref_position,
        random_background,
        offset_noise,
        resize_rate,
        image_size=256,
        seed=1234,
    ):
        self.model, self.device, self.dtype, self.mode, self.size = model, device, dtype, mode, image_size
        self.seed, self.num_frames, self.ref_position, self.offset_noise = (
            seed,
            num_frames,
            ref_position,
            offset_noise,
        )
        self.batch_size = max(4, num_frames)
        self.uc = model.get_learned_conditioning(["uniform low no texture"]).to(device)
        self.sampler = DDIMSampler(model)
        self.camera = torch.cat([get_camera_for_index(i) for i in camera_views]).to(device)

    def image_transform(self, image):
        assert image.mode == "RGB"
        pixels = np.asarray(image.resize((self.size, self.size)), np.float32) / 127.5 - 1
        return torch.Tensor(pixels.transpose(2, 0, 1))


def _conditions(model, device, prompt, uc, ip, batch_size, camera, num_frames):
    c = model.get_learned_conditioning([prompt]).to(device).repeat(batch_size, 1, 1)
    ip_ = model.get_learned_image_conditioning(ip).to(device).repeat(batch_size, 1, 1)
    assert c.shape == (batch_size, 77, 1024)
    assert camera.shape == (batch_size, 16)
    return (
        {"context": c, "camera": camera, "num_frames": num_frames, "ip": ip_},
        {
            "context": uc.repeat(batch_size, 1, 1),
            "camera": camera,
            "num_frames": num_frames,
            "ip": torch.zeros_like(ip_),
        },
    )


def _sample(
    model,
    image_size,
    sampler,
    c_,
    uc_,
    ip,
    step,
    scale,
    batch_size,
    ddim_eta,
    device,
    transform,
    offset_noise,
):
    shape = [4, image_size // 8, image_size // 8]
    assert offset_noise
    ref = transform(ip).to(device)
    ref_latent = model.get_first_stage_encoding(model.encode_first_stage(ref[None, :, :, :]))
    ref_mean = ref_latent.mean(dim=(-1, -2), keepdim=True)
    time_steps = torch.randint(model.num_timesteps - 1, model.num_timesteps, (batch_size,), device=device)
    x_T = model.q_sample(torch.ones([batch_size, *shape], device=device) * ref_mean, time_steps)  # noqa: N806
    samples_ddim, _ = sampler.sample(
        S=step,
        conditioning=c_,
        batch_size=batch_size,
        shape=shape,
        verbose=False,
        unconditional_guidance_scale=scale,
        unconditional_conditioning=uc_,
        eta=ddim_eta,
        x_T=x_T,
    )
    x_sample = torch.clamp((model.decode_first_stage(samples_ddim) + 1.0) / 2.0, min=0.0, max=1.0)
    return list((255.0 * x_sample.permute(0, 2, 3, 1).cpu().numpy()).astype(np.uint8))


class ImageDreamDiffusion(_Diffusion):
    @staticmethod
    def i2i(
        model,
        image_size,
        prompt,
        uc,
        sampler,
        ip=None,
        step=20,
        scale=5.0,
        batch_size=8,
        ddim_eta=0.0,
        dtype=torch.float32,
        device="cuda",
        camera=None,
        num_frames=4,
        pixel_control=False,
        transform=None,
        offset_noise=False,
    ):
        with torch.no_grad(), torch.autocast(device_type=torch.device(device).type, dtype=dtype):
            c_, uc_ = _conditions(model, device, prompt, uc, ip, batch_size, camera, num_frames)
            assert pixel_control
            return _sample(
                model,
                image_size,
                sampler,
                c_,
                uc_,
                ip,
                step,
                scale,
                batch_size,
                ddim_eta,
                device,
                transform,
                offset_noise,
            )


class ImageDreamDiffusionStage2(_Diffusion):
    @staticmethod
    def i2iStage2(  # noqa: N802
        model,
        image_size,
        prompt,
        uc,
        sampler,
        pixel_images,
        ip=None,
        step=20,
        scale=5.0,
        batch_size=8,
        ddim_eta=0.0,
        dtype=torch.float32,
        device="cuda",
        camera=None,
        num_frames=4,
        pixel_control=False,
        transform=None,
        offset_noise=False,
    ):
        with torch.no_grad(), torch.autocast(device_type=torch.device(device).type, dtype=dtype):
            c_, uc_ = _conditions(model, device, prompt, uc, ip, batch_size, camera, num_frames)
            pictures = torch.stack([transform(i).to(device) for i in pixel_images])
            c_["pixel_images"] = model.get_first_stage_encoding(model.encode_first_stage(pictures))
            assert c_["pixel_images"].shape == (6, 4, 32, 32)
            uc_["pixel_images"] = torch.zeros_like(c_["pixel_images"])
            return _sample(
                model,
                image_size,
                sampler,
                c_,
                uc_,
                ip,
                step,
                scale,
                batch_size,
                ddim_eta,
                device,
                transform,
                offset_noise,
            )
