# mypy: ignore-errors
"""As much of PyTorch as CRM's code calls here: tensors are NumPy arrays that know their device."""

import json
from contextlib import ContextDecorator, contextmanager
from pathlib import Path

import numpy as np
from journal import note

from torch import cuda, nn  # noqa: F401
from torch._random import GENERATORS

__version__ = "2.1.0+cu121"
float16, float32, long = np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.int64)


class Tensor:
    def __init__(self, array, device="cpu"):
        self.array, self.device = np.asarray(array), str(device)

    @property
    def shape(self):
        return self.array.shape

    @property
    def dtype(self):
        return self.array.dtype

    def to(self, target):
        if isinstance(target, np.dtype):
            return Tensor(self.array.astype(target), self.device)
        if str(target) not in ("cpu", "cuda"):
            raise RuntimeError(f"Expected one of cpu, cuda device type: {target}")
        return Tensor(self.array, target)

    def cpu(self):
        return self.to("cpu")

    def cuda(self):
        return self.to("cuda")

    def numpy(self):
        if self.device != "cpu":
            raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first.")
        return self.array

    def _with(self, other, op):
        if isinstance(other, Tensor):
            if other.device != self.device and other.array.ndim:
                raise RuntimeError("Expected all tensors to be on the same device, but found at least two")
            other = other.array
        return Tensor(op(self.array, other), self.device)

    def __add__(self, other):
        return self._with(other, np.add)

    __radd__ = __add__

    def __sub__(self, other):
        return self._with(other, np.subtract)

    def __mul__(self, other):
        return self._with(other, np.multiply)

    __rmul__ = __mul__

    def __truediv__(self, other):
        return self._with(other, np.true_divide)

    def __getitem__(self, index):
        return Tensor(self.array[index], self.device)

    def permute(self, *axes):
        return Tensor(self.array.transpose(axes), self.device)

    def unsqueeze(self, axis):
        return Tensor(np.expand_dims(self.array, axis), self.device)

    def squeeze(self):
        return Tensor(self.array.squeeze(), self.device)

    def repeat(self, *times):
        return Tensor(np.tile(self.array, times), self.device)

    def mean(self, *, dim, keepdim=False):
        return Tensor(self.array.mean(axis=dim, keepdims=keepdim), self.device)

    def contiguous(self):
        return self


def tensor(data, dtype=None, device="cpu"):
    return Tensor(np.array(data, dtype), device)


def from_numpy(array):
    if not isinstance(array, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(array).__name__})")
    return Tensor(array)


def cat(tensors, dim=0):
    (device,) = {t.device for t in tensors}
    return Tensor(np.concatenate([t.array for t in tensors], dim), device)


def stack(tensors, dim=0):
    (device,) = {t.device for t in tensors}
    return Tensor(np.stack([t.array for t in tensors], dim), device)


def zeros_like(like):
    return Tensor(np.zeros_like(like.array), like.device)


def ones(shape, device="cpu"):
    return Tensor(np.ones(shape, np.float32), device)


def clamp(t, min, max):  # noqa: A002
    return Tensor(t.array.clip(min, max), t.device)


def randn(shape, device="cpu"):
    return Tensor(GENERATORS[str(device)].standard_normal(shape, np.float32), device)


def randn_like(like):
    return randn(like.shape, like.device)


def randint(low, high, shape, *, dtype=None, device="cpu"):
    return Tensor(GENERATORS[str(device)].integers(low, high, shape), device)


def manual_seed(seed):
    GENERATORS["cpu"] = np.random.default_rng(seed)


def load(f, map_location=None):
    if not isinstance(f, str):
        raise TypeError("a path that older versions of PyTorch take is a str")
    note("torch.load", file=Path(f).name, map_location=str(map_location))
    return json.loads(Path(f).read_text())


class device:  # noqa: N801
    def __init__(self, name):
        self.type = name.split(":")[0]

    def __str__(self):
        return self.type


class no_grad(ContextDecorator):  # noqa: N801
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


@contextmanager
def autocast(device_type, dtype=None):
    assert (device_type, dtype) == ("cuda", float16)
    yield
