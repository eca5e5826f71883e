# mypy: ignore-errors
"""A generator each device, seeded by chance until somebody seeds it."""

import numpy as np

GENERATORS = {"cpu": np.random.default_rng(), "cuda": np.random.default_rng()}
