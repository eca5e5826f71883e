# mypy: ignore-errors
import importlib
import random

import numpy as np
import torch
from journal import note


def instantiate_from_config(config):
    return get_obj_from_str(config["target"])(**config.get("params", {}))


def get_obj_from_str(string, reload=False):
    module, name = string.rsplit(".", 1)
    return getattr(importlib.import_module(module), name)


def set_seed(seed=None):
    note("set_seed", seed=seed)
    random.seed(seed)
    np.random.seed(seed)
    if seed is not None:
        torch.manual_seed(seed)
        torch.cuda.manual_seed_all(seed)
