# mypy: ignore-errors
import rembg
import torch
from imagedream.ldm.util import get_obj_from_str, instantiate_from_config
from journal import note
from libs.base_utils import do_resize_content
from omegaconf import OmegaConf
from PIL import Image


class TwoStagePipeline:
    def __init__(
        self,
        stage1_model_config,
        stage2_model_config,
        stage1_sampler_config,
        stage2_sampler_config,
        device="cuda",
        dtype=torch.float16,
        resize_rate=1,
    ):
        note("pipeline", device=device, dtype=str(dtype))
        self.resize_rate, self.device, self.dtype = resize_rate, device, dtype
        self.stage1_sampler = self._stage(stage1_model_config, stage1_sampler_config)
        self.stage2_sampler = self._stage(stage2_model_config, stage2_sampler_config)

    def _stage(self, model_config, sampler_config):
        model = instantiate_from_config(OmegaConf.load(model_config.config).model)
        model.load_state_dict(torch.load(model_config.resume, map_location="cpu"), strict=False)
        model = model.to(self.device).to(self.dtype)
        return get_obj_from_str(sampler_config.target)(
            model, device=self.device, dtype=self.dtype, **sampler_config.params
        )

    def stage1_sample(
        self,
        pixel_img,
        prompt="3D assets",
        neg_texts="uniform low no texture",
        step=50,
        scale=5,
        ddim_eta=0.0,
    ):
        assert isinstance(pixel_img, Image.Image)
        note("stage1", mode=pixel_img.mode, size=pixel_img.size, corner=pixel_img.getpixel((0, 0)))
        stage = self.stage1_sampler
        uc = stage.model.get_learned_conditioning([neg_texts]).to(self.device)
        images = stage.i2i(
            stage.model,
            stage.size,
            prompt,
            uc=uc,
            ip=pixel_img,
            step=step,
            scale=scale,
            ddim_eta=ddim_eta,
            **self._common(stage),
        )
        images = [Image.fromarray(img) for img in images]
        images.pop(stage.ref_position)
        return images

    def stage2_sample(self, pixel_img, stage1_images, scale=5, step=50):
        assert all(isinstance(image, Image.Image) for image in (pixel_img, *stage1_images))
        note("stage2", views=[image.size for image in stage1_images])
        stage = self.stage2_sampler
        images = stage.i2iStage2(
            stage.model,
            stage.size,
            "3D assets",
            stage.uc,
            pixel_images=stage1_images,
            ip=pixel_img,
            step=step,
            scale=scale,
            ddim_eta=0.0,
            **self._common(stage),
        )
        return [Image.fromarray(img) for img in images]

    @staticmethod
    def _common(stage):
        return {
            "sampler": stage.sampler,
            "batch_size": stage.batch_size,
            "dtype": stage.dtype,
            "device": stage.device,
            "camera": stage.camera,
            "num_frames": stage.num_frames,
            "pixel_control": stage.mode == "pixel",
            "transform": stage.image_transform,
            "offset_noise": stage.offset_noise,
        }

    def set_seed(self, seed):
        self.stage1_sampler.seed = seed
        self.stage2_sampler.seed = seed

    def __call__(self, pixel_img, prompt="3D assets", scale=5, step=50):
        pixel_img = do_resize_content(pixel_img, self.resize_rate)
        stage1_images = self.stage1_sample(pixel_img, prompt, scale=scale, step=step)
        stage2_images = self.stage2_sample(pixel_img, stage1_images, scale=scale, step=step)
        return {"ref_img": pixel_img, "stage1_images": stage1_images, "stage2_images": stage2_images}


rembg_session = rembg.new_session()
