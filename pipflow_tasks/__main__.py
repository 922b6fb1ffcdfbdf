"""Start the program ``pipflow``; ``python -m pipflow_tasks`` does the same."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path


def main() -> None:
    """Run the program; with ``--isolated`` no module is imported from the current folder."""
    if "--isolated" in sys.argv:
        here = ""
        with contextlib.suppress(FileNotFoundError):  # it has been removed; the program says so
            here = str(Path.cwd())
        sys.path[:] = [entry for entry in sys.path if entry not in {"", ".", here}]
    try:
        from .program import run
    except KeyboardInterrupt:
        sys.exit("error: interrupted by SIGINT; nothing was changed")
    run()


if __name__ == "__main__":
    main()
