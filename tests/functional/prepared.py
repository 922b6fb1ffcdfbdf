"""A Python that has imported this package already, and forks for each program that a test runs.

Importing takes most of the time of a short command. The fork goes on as ``python -m MODULE`` would:
with the folder, variables and streams of its own. Only its end is shorter: Python would take the
objects of all that was imported apart, one by one, which takes longer than many a command.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pipflow_tasks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_AT_START = ("PYTHON", "LC_", "LANG", "MALLOC_", "LD_")
"""Variables that a Python, or the C library, reads when it starts."""

_SERVER = """\
import gc, runpy, sys
sys.path.insert(0, sys.argv[1])
from functional.prepared import await_request, exit_early, import_all
exits = exit_early()
import_all()
del sys.path[0]
gc.freeze()
module = await_request(sys.argv[2])
try:
    if module.endswith(".py"):
        sys.argv[0] = module
        runpy.run_path(module, run_name="__main__")
    else:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
except SystemExit as error:
    exits.append(error.code)
    raise
exits.append(None)
"""

_ELSEWHERE = (
    *("ctypes", "encodings.utf_8_sig", "filelock", "invoke.main", "isal.isal_zlib", "netrc"),
    *("pip._internal.models.index", "platformdirs.unix", "requests", "sqlite3", "urllib3", "yaml"),
)
"""What commands import, some of it only when they need it."""


def can_run(environment: Mapping[str, str], prepared_with: Mapping[str, str]) -> bool:
    """Return whether a program with these variables may be a fork of a Python with those."""
    return _at_start(environment) == _at_start(prepared_with)


def _at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_AT_START)}


class Prepared:
    """The process that forks; one for each process of tests.

    Attributes:
        environment: the variables that it was started with.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self._folder = tempfile.TemporaryDirectory()
        self._address = str(Path(self._folder.name) / "socket")
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVER, str(Path(__file__).parents[1]), self._address],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def close(self) -> None:
        """End it; programs that still run go on."""
        with self._process:
            self._process.kill()
        self._folder.cleanup()

    def run(
        self,
        module: str,
        words: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        timeout_seconds: float,
    ) -> subprocess.CompletedProcess[str]:
        """Run a module, or a file, as ``subprocess.run`` would with captured output."""
        with (
            tempfile.TemporaryFile() as stdout,
            tempfile.TemporaryFile() as stderr,
            socket.socket(socket.AF_UNIX) as connection,
        ):
            connection.settimeout(timeout_seconds)
            connection.connect(self._address)
            request = json.dumps([module, [*words], str(folder), dict(environment)]).encode()
            head = len(request).to_bytes(8, "big")
            socket.send_fds(connection, [head], [stdout.fileno(), stderr.fileno()])
            connection.sendall(request)
            status = int.from_bytes(connection.recv(8), "big", signed=True)
            texts = []
            for stream in (stdout, stderr):
                stream.seek(0)
                texts.append(stream.read().decode("utf-8", "backslashreplace"))
        return subprocess.CompletedProcess([module, *words], status, *texts)


@functools.cache
def prepare(fixed: tuple[tuple[str, str], ...]) -> Prepared:
    """Return the prepared Python of this process of tests."""
    prepared = Prepared(dict(fixed))
    atexit.register(prepared.close)
    return prepared


# --- in the prepared process ----------------------------------------------------------------------


def import_all() -> None:
    """Import what commands need: the whole package, but for the code that runs in images."""
    for name in _ELSEWHERE:
        importlib.import_module(name)
    for module in pkgutil.walk_packages(pipflow_tasks.__path__, "pipflow_tasks."):
        if module.name not in {"pipflow_tasks.__main__", "pipflow_tasks.engine.inside"}:
            importlib.import_module(module.name)
    sys.modules["filelock"].FileLock  # noqa: B018 - it is imported when it is asked for


def exit_early() -> list[object]:
    """Let a program that ends with the code put into this list end right after its exit functions.

    To be called before others register any, for the first one is called last. A program that ends
    by an exception, or with words for an exit code, is left to Python.
    """
    codes: list[object] = []

    def leave() -> None:
        if codes and (codes[0] is None or isinstance(codes[0], int)):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(codes[0] or 0)

    atexit.register(leave)
    return codes


def await_request(address: str) -> str:
    """Answer requests by forks of this process; return in each, with the module to run."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        print("ready", flush=True)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            ready, _, _ = select.select([server.fileno(), 0], [], [])
            if 0 in ready:
                os._exit(0)  # the tests have ended
            connection, _ = server.accept()
            if not os.fork():
                server.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                return _start(connection)
            connection.close()


def _start(connection: socket.socket) -> str:
    """Fork once more for the program; the parent waits for it, and reports its status."""
    head, streams, _, _ = socket.recv_fds(connection, 8, 2)
    data = b""
    while len(data) < int.from_bytes(head, "big"):
        data += connection.recv(65_536)
    module: str
    module, words, folder, environment = json.loads(data)
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        with contextlib.suppress(OSError):
            code = os.waitstatus_to_exitcode(status)
            connection.sendall(code.to_bytes(8, "big", signed=True))
        os._exit(0)
    connection.close()
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    null = os.open(os.devnull, os.O_RDONLY)
    for number, stream in enumerate((null, *streams)):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.path[0] = folder
    sys.argv[1:] = words
    return module
