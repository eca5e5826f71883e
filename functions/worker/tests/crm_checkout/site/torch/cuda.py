# mypy: ignore-errors
import os
from types import SimpleNamespace

import numpy as np

from torch._random import GENERATORS


class OutOfMemoryError(RuntimeError):
    pass


OutOfMemoryError.__module__ = "torch"


def is_available():
    return os.environ.get("FAKE_CUDA", "1") == "1"


def get_device_properties(device):
    assert device == 0
    gigabytes = float(os.environ.get("FAKE_GPU_GB", "24"))
    return SimpleNamespace(name="NVIDIA Small", total_memory=int(gigabytes * 1e9))


def manual_seed_all(seed):
    GENERATORS["cuda"] = np.random.default_rng(seed)
