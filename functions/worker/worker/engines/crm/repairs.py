"""What CRM's code needs and no longer gets: see README.md, "The four repairs"."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

from worker.engines.crm.hooks import replaced

SCHEDULER = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "prediction_type": "epsilon",
}
"""The scheduler of Stable Diffusion 2.1 base, whose repository on the hub is gone. CRM only adds noise with
it, for which the betas are all that counts: they are those of its diffusions too (imagedream/configs)."""


@contextmanager
def scheduler_supplied() -> Iterator[None]:
    """diffusers.DDIMScheduler.from_pretrained answers with SCHEDULER, whatever repository it is asked for."""
    scheduler = import_module("diffusers").DDIMScheduler

    def from_pretrained(*_: object, **__: object) -> object:
        return scheduler(**SCHEDULER)

    with replaced(scheduler, "from_pretrained", staticmethod(from_pretrained)):
        yield


def import_base_utils() -> None:
    """Imports the checkout's libs.base_utils, which imports for its training code what nothing declares."""
    # diffusers and transformers look for accelerate when they are imported: not while another has its name.
    import_module("diffusers.training_utils")
    undeclared: dict[str, Mapping[str, object]] = {
        "absl": {"logging": ModuleType("absl.logging")},
        "accelerate": {},
        "wandb": {},
        "rich": {"print": print},
    }
    with _stand_ins({name: names for name, names in undeclared.items() if find_spec(name) is None}):
        import_module("libs.base_utils")


def import_pipelines() -> ModuleType:
    """Imports the checkout's pipelines, without the rembg session (and its download) that it begins with."""
    with _stand_ins({"rembg": {"new_session": lambda: None}}):
        return import_module("pipelines")


@contextmanager
def _stand_ins(modules: Mapping[str, Mapping[str, object]]) -> Iterator[None]:
    """`import name` gives a module with these names and no others: what else is used of it fails loudly."""
    real = {name: sys.modules.get(name) for name in modules}
    for name, names in modules.items():
        module = ModuleType(name, "Stands in for a package that is imported and never used.")
        module.__spec__ = ModuleSpec(name, None)
        vars(module).update(names)
        sys.modules[name] = module
    try:
        yield
    finally:
        for name, module_or_none in real.items():
            del sys.modules[name]
            if module_or_none is not None:
                sys.modules[name] = module_or_none
