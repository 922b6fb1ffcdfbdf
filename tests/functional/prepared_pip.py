"""The pip of another Python, which has imported itself already, and forks for each question.

Importing takes more than half of the time of a short run of pip.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TIMEOUT_SECONDS = 120

_SERVER = """\
import gc, json, os, sys
from pip._internal.cli.main import main
import pip._internal.commands.install, pip._internal.resolution.resolvelib.resolver
gc.freeze()
for line in sys.stdin:
    words, folder, environment, streams = json.loads(line)
    child = os.fork()
    if not child:
        for number, path in enumerate(streams):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), number)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv[1:] = words
        try:
            status = main(words)
        except SystemExit as error:
            status = error.code
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    status = os.waitpid(child, 0)[1]
    print(os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status), flush=True)
"""
"""It may be any Python that has a pip which can write reports."""


def plain_environment() -> dict[str, str]:
    """Return the variables that a pip without configuration needs."""
    kept = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    return {**kept, "PIP_CONFIG_FILE": os.devnull}


class PreparedPip:
    """The process that forks; one for each Python, in each process of tests."""

    def __init__(self, python: str) -> None:
        self._process = subprocess.Popen(
            [python, "-c", _SERVER],
            env=plain_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def close(self) -> None:
        """End it."""
        with self._process:
            self._process.kill()

    def run(
        self, words: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ``python -m pip`` and capture its output; without configuration by default."""
        environment = plain_environment() if environment is None else environment
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        with tempfile.TemporaryDirectory() as name:
            texts = [Path(name, "stdout"), Path(name, "stderr")]
            streams = [os.devnull, *map(str, texts)]
            stdin.write(json.dumps([words, str(folder), dict(environment), streams]) + "\n")
            stdin.flush()
            ready, _, _ = select.select([stdout], [], [], _TIMEOUT_SECONDS)
            assert ready, f"pip has not ended: {words}"
            status = int(stdout.readline())
            printed = [text.read_text("utf-8") for text in texts]
        return subprocess.CompletedProcess(["pip", *words], status, *printed)


@functools.cache
def prepare_pip(python: str) -> PreparedPip:
    """Return the prepared pip of a Python in this process of tests."""
    prepared = PreparedPip(python)
    atexit.register(prepared.close)
    return prepared
