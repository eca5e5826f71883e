"""What the engine needs of the machine: all that is missing is named at once, each with what to do."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

WEIGHTS = ("CRM.pth", "pixel-diffusion.pth", "ccm-diffusion.pth")

CONFIGS = (
    "configs/specs_objaverse_total.json",
    "configs/nf7_v3_SNR_rd_size_stroke.yaml",
    "configs/stage2-v2-snr.yaml",
)

CODE = ("pipelines.py", "inference.py", "model/__init__.py", "libs/base_utils.py", "imagedream/ldm/util.py")

PACKAGES = {
    "torch": "install PyTorch built for CUDA",
    "torchvision": "install the torchvision that belongs to PyTorch's version",
    "nvdiffrast": "install it from NVlabs/nvdiffrast on GitHub",
    "xformers": "install the xformers that was built for PyTorch's version",
    "kaolin": "install NVIDIA Kaolin's wheel for PyTorch's and CUDA's version",
    "diffusers": "pip install diffusers==0.24.0",
    "transformers": "pip install transformers==4.27.1",
    "huggingface_hub": "pip install 'huggingface-hub<0.26'",
    "open_clip": "pip install open-clip-torch==2.7.0",
    "omegaconf": "pip install omegaconf",
    "einops": "pip install einops==0.7.0",
    "kiui": "pip install kiui",
    "pymeshlab": "pip install pymeshlab",
    "pygltflib": "pip install pygltflib",
    "xatlas": "pip install xatlas",
    "tqdm": "pip install tqdm",
    "pkg_resources": "pip install 'setuptools<81'",
}
"""By the name they are imported by: what CRM's code imports and the worker does not bring."""

GPU_BYTES = 12e9
"""The least memory. CRM is known to run out of it on cards with 10.8 GiB (its issue 19)."""

README = "worker/engines/crm/README.md"


def problems(home: Path | None, weights: Path | None) -> list[str]:
    """A sentence for each thing that is missing; nothing heavy but torch is imported to find out."""
    return [*_of_checkout(home), *_of_weights(weights), *_of_packages(), *_of_gpu()]


def _of_checkout(home: Path | None) -> list[str]:
    if home is None:
        return [f"CRM_HOME is not set: give it the path of a checkout of thu-ml/CRM (see {README})."]
    if not home.is_dir():
        return [f"CRM_HOME names {home}, which is no folder: clone thu-ml/CRM there."]
    missing = [name for name in (*CODE, *CONFIGS) if not (home / name).is_file()]
    if missing:
        return [f"The checkout {home} lacks {', '.join(missing)}: clone thu-ml/CRM anew."]
    return []


def _of_weights(weights: Path | None) -> list[str]:
    if weights is None:
        return [f"CRM_WEIGHTS is not set: give it the folder with {', '.join(WEIGHTS)} (see {README})."]
    found = []
    for name in WEIGHTS:
        path = weights / name
        if not path.is_file():
            found.append(
                f"The weight file {path} is missing: download {name} from Zhengyi/CRM on Hugging Face."
            )
        elif _is_pointer(path):
            found.append(
                f"The weight file {path} is a Git LFS pointer: download the file itself (git lfs pull)."
            )
    return found


def _is_pointer(path: Path) -> bool:
    """Whether a clone without Git LFS left its placeholder here."""
    with path.open("rb") as file:
        return file.read(20).startswith(b"version https://git")


def _of_packages() -> list[str]:
    return [
        f"The Python package {name} is missing: {remedy}."
        for name, remedy in PACKAGES.items()
        if find_spec(name) is None
    ]


def _of_gpu() -> list[str]:
    if find_spec("torch") is None:
        return [
            "CUDA can't be looked for without PyTorch: the engine needs an NVIDIA GPU with 12 GB or more."
        ]
    try:
        cuda = import_module("torch").cuda
    except (ImportError, OSError) as error:
        return [f"PyTorch can't be imported ({error}): install it anew, for this machine's CUDA version."]
    if not cuda.is_available():
        return [
            "CUDA is not available: run on a machine with an NVIDIA GPU, its driver, and PyTorch for CUDA."
        ]
    gpu = cuda.get_device_properties(0)
    if gpu.total_memory < GPU_BYTES:
        return [f"The GPU {gpu.name} has {gpu.total_memory / 1e9:.1f} GB: CRM needs one with 12 GB or more."]
    return []
