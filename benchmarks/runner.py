"""Runs commands for ``compare.py`` and measures them; small, for a child begins as its parent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time


def main() -> None:
    """Run each command that comes as a line, and answer with a line."""
    for line in sys.stdin:
        words, folder, environment = json.loads(line)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
            begun = time.perf_counter()
            process = subprocess.Popen(
                words, cwd=folder, env=environment, stdout=out, stderr=errors,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - begun
            process.returncode = os.waitstatus_to_exitcode(status)
            texts = []
            for file in (out, errors):
                file.seek(0)
                texts.append(file.read().decode("utf-8", "replace"))
        answer = {
            "status": process.returncode,
            "output": texts[0],
            "errors": texts[1],
            "wall": wall,
            "processor": used.ru_utime + used.ru_stime,
            "memory": used.ru_maxrss << 10,
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
