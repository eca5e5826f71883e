"""`python -m worker.probe`: asks this container's own worker how it is, for HEALTHCHECK. Exit code 0 or 1."""

import os
import sys
import urllib.error
import urllib.request


def main() -> int:
    """0 where `/health` says 200; else what it says goes to stderr."""
    url = f"http://127.0.0.1:{os.environ.get('PORT') or 8000}/health"
    try:
        with urllib.request.urlopen(url, timeout=4):
            return 0
    except urllib.error.HTTPError as error:
        sys.stderr.write(error.read().decode(errors="replace") + "\n")
    except OSError as error:
        sys.stderr.write(f"{url}: {error}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
