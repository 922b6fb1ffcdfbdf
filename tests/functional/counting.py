"""Run a module as ``python -m`` would, and count what it opens and how often it parses Dockerfiles.

``counting.py RECORD PYTHON -m MODULE WORDS``: the record gets one JSON object, ``opened`` with the
files of the working folder that were opened for reading, and ``dockerfiles``, by their paths.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

from pipflow_tasks.dockerfile import Dockerfile

PARSING = Dockerfile.from_source.__func__.__code__  # type: ignore[attr-defined]


def main() -> None:
    """Count until the module ends."""
    record, _python, _option, module, *words = sys.argv[1:]
    folder = os.path.realpath(".") + os.sep
    opened: Counter[str] = Counter()
    dockerfiles: Counter[str] = Counter()

    def count_opened(event: str, arguments: tuple[object, ...]) -> None:
        if event != "open" or not isinstance(arguments[0], (str, os.PathLike)):
            return
        path, flags = os.path.realpath(arguments[0]), arguments[2]
        is_read = isinstance(flags, int) and flags & os.O_ACCMODE == os.O_RDONLY
        if is_read and path.startswith(folder):
            opened[path.removeprefix(folder)] += 1

    def count_parsed(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is PARSING:
            dockerfiles[frame.f_locals["source"].path] += 1

    sys.argv = [module, *words]
    sys.addaudithook(count_opened)
    sys.setprofile(count_parsed)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        sys.setprofile(None)
        Path(record).write_text(json.dumps({"opened": opened, "dockerfiles": dockerfiles}))


if __name__ == "__main__":
    main()
