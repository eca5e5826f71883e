# mypy: ignore-errors
"""Writes down what is called, for the test to read: a line of JSON each."""

import json
import os
from pathlib import Path


def note(event, **fields):
    with Path(os.environ["CRM_JOURNAL"]).open("a") as file:
        file.write(json.dumps({"event": event, **fields}) + "\n")
