# mypy: ignore-errors
"""OmegaConf over JSON, which is YAML too."""

import json
from pathlib import Path


class DictConfig(dict):
    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name, value):
        self[name] = value


class OmegaConf:
    @staticmethod
    def load(file_):
        return json.loads(Path(file_).read_text(), object_hook=DictConfig)

    @staticmethod
    def save(config, f):
        Path(f).write_text(json.dumps(config))
