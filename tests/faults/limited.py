"""Run ``invoke`` with a short deadline for each look-up: ``DEADLINE`` in seconds."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path
from typing import Any

from pipflow_tasks.index import PackageIndex


def has_deadline() -> bool:
    """Return whether an index takes a deadline."""
    return "deadline_seconds" in defaults()


def defaults() -> dict[str, Any]:
    """Return the defaults of an index, which may be changed."""
    return PackageIndex.__init__.__kwdefaults__ or {}


if __name__ == "__main__":
    deadline_seconds = float(os.environ.pop("DEADLINE"))
    if has_deadline():
        defaults()["deadline_seconds"] = deadline_seconds
    sys.argv[0] = "invoke"
    sys.path[0] = str(Path.cwd())
    runpy.run_module("invoke", run_name="__main__", alter_sys=True)
