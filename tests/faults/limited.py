"""Run ``invoke`` with a short deadline for each look-up: ``DEADLINE`` in seconds."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

from pipflow_tasks.index import PackageIndex

if __name__ == "__main__":
    deadline_seconds = float(os.environ.pop("DEADLINE"))
    defaults = PackageIndex.__init__.__kwdefaults__
    assert defaults is not None
    defaults["deadline_seconds"] = deadline_seconds
    sys.argv[0] = "invoke"
    sys.path[0] = str(Path.cwd())
    runpy.run_module("invoke", run_name="__main__", alter_sys=True)
