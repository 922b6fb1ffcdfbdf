"""The index that pip asks when it is told nothing, for the tests marked `online`."""

from __future__ import annotations

import functools
import os
import subprocess
import sys

__all__ = ["is_reachable"]

_TIMEOUT_SECONDS = 30


@functools.cache
def is_reachable() -> bool:
    """Ask pip for the versions of a small project, once."""
    kept = {name: os.environ[name] for name in ("HOME", "PATH", "PIP_CERT") if name in os.environ}
    words = ["index", "versions", "iniconfig", "--retries", "0", "--timeout", "5"]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip", "--disable-pip-version-check", *words],
            env={**kept, "PIP_CONFIG_FILE": os.devnull},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
