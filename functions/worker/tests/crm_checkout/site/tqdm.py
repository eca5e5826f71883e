# mypy: ignore-errors
import sys


def tqdm(iterable, desc=None, total=None):
    for number, item in enumerate(iterable):
        sys.stderr.write(f"\r{desc}: {number}/{total}")
        yield item
