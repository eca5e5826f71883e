# mypy: ignore-errors
import open_clip
import torch
import transformers  # noqa: F401


class FrozenOpenCLIPEmbedder(torch.nn.Module):
    def __init__(
        self,
        arch="ViT-H-14",
        version="laion2b_s32b_b79k",
        device="cuda",
        max_length=77,
        freeze=True,
        layer="last",
        ip_mode=None,
    ):
        super().__init__()
        open_clip.create_model_and_transforms(arch, device=torch.device("cpu"), pretrained=version)
