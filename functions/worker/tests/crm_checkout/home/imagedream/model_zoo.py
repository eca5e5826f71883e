# mypy: ignore-errors
import pkg_resources  # noqa: F401
from huggingface_hub import hf_hub_download


def build_model(model_name, config_path=None, ckpt_path=None, cache_dir=None):
    return hf_hub_download(model_name)
