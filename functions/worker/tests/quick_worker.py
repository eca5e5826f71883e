"""`python -m tests.quick_worker`: the worker with the engine of `tests.quick_engine`."""

import sys

from worker.__main__ import main

if __name__ == "__main__":
    sys.exit(main((sys.executable, "-m", "tests.quick_engine")))
