"""A project in a temporary folder, and the real programs run in it.

Nothing of this host reaches the programs: no settings of pip's, Invoke's or Docker's, no user's
configuration, and on the path only what a test puts there. A stand-in is a real program of a
builder's name that records how it was called and ends as it was told.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import select
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from functional.prepared import can_run, prepare
from report_schema import check_printed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = [
    "COMPOSE_V2",
    "ENGINE",
    "NO_ADVICE",
    "Answer",
    "Call",
    "Finished",
    "Running",
    "StandIn",
    "TemporaryProject",
    "dockerfile",
    "heed_signals",
]

Answer: TypeAlias = "int | str | Sequence[int | str]"

TASKS = """\
import pipflow_tasks
from invoke import Collection, task

@task
def test(c):
    \"\"\"Run the tests.\"\"\"
    print("the tests ran")

namespace = Collection(test, deps=pipflow_tasks.namespace)
"""

ENGINE = {"version": 0, "build": 0}
"""How a docker without compose answers."""

COMPOSE_V2 = {"version": 0, "compose version": 0, "compose build": 0}
"""How a docker with compose answers."""

NO_ADVICE = {"INVOKE_PIPFLOW_CODES": "cache-in-layer=ignore,ended-python=ignore"}
"""For checks of other things: `dockerfile` leaves pip's cache, and its Pythons end one day."""

BUILD_OUTPUT = "what the builder prints"

_NOT_TOLD = 125
_TIMEOUT_SECONDS = 60

# It imports next to nothing: it starts some thousand times.
_STAND_IN = """\
import os, sys
record, *words = sys.argv[1:]
seen = "requirements.txt"
call = {
    "pid": os.getpid(),
    "arguments": words,
    "folder": os.getcwd(),
    "requirements": open(seen, encoding="latin-1").read() if os.path.exists(seen) else None,
}
with open(record + "/calls", "a", encoding="utf-8") as calls:
    calls.write(ascii(call) + "\\n")
told = TOLD
key = max((key for key in told if words[: len(key.split())] == key.split()), key=len, default="")
answer = told.get(key, NOT_TOLD)
if isinstance(answer, (list, tuple)):
    calls = map(eval, open(record + "/calls", encoding="utf-8"))
    count = sum(call["arguments"][: len(key.split())] == key.split() for call in calls)
    answer = answer[min(count, len(answer)) - 1]
if key.endswith("build"):
    print("BUILD_OUTPUT", flush=True)
if answer == "rewrite":
    open(seen, "wb").write(b"by=={somebody else}\\n")
    sys.exit(1)
if isinstance(answer, str) and answer != "hang":
    print(answer)
    sys.exit(0)
if answer == "hang":
    import signal
    alive = os.open(record + "/alive", os.O_WRONLY)
    os.fork()
    os.write(alive, b"+")
    while True:
        signal.pause()
sys.exit(answer)
""".replace("NOT_TOLD", str(_NOT_TOLD)).replace("BUILD_OUTPUT", BUILD_OUTPUT)


def dockerfile(python: str, *files: str) -> str:
    """Return a Dockerfile that installs requirements.txt, or the named files, for a Python."""
    install = "".join(
        f"COPY {file} ./{file}\nRUN pip install -r {file}\n"
        for file in files or ["requirements.txt"]
    )
    return f"FROM python:{python}-slim\n{install}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What a program answered."""

    status: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """All that it printed."""
        return self.stdout + self.stderr

    @property
    def report(self) -> dict[str, Any]:
        """Standard output, which must be one JSON object and nothing else."""
        report = json.loads(self.stdout)
        assert isinstance(report, dict)
        return report


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """How a stand-in was called, and the requirements.txt that it found in its folder."""

    pid: int
    arguments: tuple[str, ...]
    folder: Path
    requirements: str | None


class StandIn:
    """A program on a project's path that records its calls and ends as it is told.

    The longest first words of a call that are among those told decide: a number is the exit
    status, ``"hang"`` never ends and has a child that never ends, ``"rewrite"`` writes another
    requirements.txt and fails, any other text is printed. A list has an answer for each call in
    turn, the last for all that follow. A call that nothing was told about fails.
    """

    def __init__(self, record: Path, program: Path, told: Mapping[str, Answer]) -> None:
        self._record = record
        record.mkdir()
        self._is_open = True
        script = record / "script.py"
        script.write_text(_STAND_IN.replace("TOLD", ascii(dict(told))))
        os.mkfifo(record / "alive")
        self._alive = os.open(record / "alive", os.O_RDONLY | os.O_NONBLOCK)
        words = shlex.join([sys.executable, "-I", "-S", str(script), str(record)])
        program.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        program.chmod(0o755)

    def close(self) -> None:
        """End what still hangs."""
        if not self._is_open:
            return
        self._is_open = False
        with contextlib.suppress(BlockingIOError):
            while os.read(self._alive, 1):
                pass
            os.close(self._alive)
            return
        self.end()
        os.close(self._alive)

    def end(self) -> None:
        """End the build that hangs, and its child; the tool has given it a session of its own."""
        os.killpg(self.builds[-1].pid, signal.SIGKILL)

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls, oldest first."""
        path = self._record / "calls"
        texts = path.read_text().splitlines() if path.exists() else []
        return tuple(
            Call(
                pid=call["pid"],
                arguments=tuple(call["arguments"]),
                folder=Path(call["folder"]),
                requirements=call["requirements"],
            )
            for call in map(ast.literal_eval, texts)
        )

    @property
    def builds(self) -> tuple[Call, ...]:
        """The calls that build."""
        return tuple(call for call in self.calls if "build" in call.arguments)

    @property
    def built(self) -> list[str]:
        """The arguments of the calls that build, as one would type them."""
        return [shlex.join(call.arguments) for call in self.builds]

    def await_hanging(self) -> None:
        """Wait until the program and its child hang."""
        waiting = 2
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while waiting:
            assert time.monotonic() < deadline, "the program was not started"
            ready, _, _ = select.select([self._alive], [], [], 1)
            # Between one writer and the next a FIFO is at its end and reads as nothing.
            if ready and os.read(self._alive, 1):
                waiting -= 1
            else:
                time.sleep(0.01)

    def require_dead(self) -> None:
        """Check that neither the program nor its child is alive, or about to be."""
        ready, _, _ = select.select([self._alive], [], [], _TIMEOUT_SECONDS)
        assert ready, "the builder, or what it started, outlived the tool"
        assert os.read(self._alive, 1) == b""


def heed_signals() -> None:
    """Undo what a background job's shell may have done: such a program ignores some signals."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


class Running:
    """A program that runs; ``finish`` waits for its end."""

    def __init__(self, process: subprocess.Popen[str], words: Sequence[str]) -> None:
        self._process = process
        self._words = words

    def send(self, number: int) -> None:
        """Send a signal to the program alone."""
        self._process.send_signal(number)

    def read_line(self) -> str:
        """Wait for the next line on standard error."""
        assert self._process.stderr is not None
        return self._process.stderr.readline()

    @property
    def has_ended(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def finish(self) -> Finished:
        """Wait for its end."""
        stdout, stderr = self._process.communicate(timeout=_TIMEOUT_SECONDS)
        check_printed(self._words, stdout)
        return Finished(status=self._process.returncode, stdout=stdout, stderr=stderr)


class TemporaryProject:
    """A folder with a tasks.py that mounts ``deps``, a Dockerfile, and what a test adds.

    Attributes:
        folder: the project's.
        programs: the one folder on the path, empty at first.
        environment: what the programs are given; may be changed.
        python: the Python whose ``invoke`` and ``pipflow`` are run; may be changed.
    """

    def __init__(self, folder: Path, *, index_url: str) -> None:
        self.folder = folder / "shop"
        self.programs = folder / "programs"
        self._home = folder / "home"
        self._records = folder / "records"
        for made in (self.folder, self.programs, self._home, self._records):
            made.mkdir()
        self._stand_ins: list[StandIn] = []
        self.python = sys.executable
        self.environment = {
            "HOME": str(self._home),
            "LANG": "C.UTF-8",
            "PATH": str(self.programs),
            "PIPFLOW_CACHE_DIR": str(folder / "cache"),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": index_url,
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(folder),
        }
        self.write("tasks.py", TASKS)
        self.write("Dockerfile", dockerfile("3.9"))

    def close(self) -> None:
        """End what still hangs of the stand-ins."""
        for stand_in in self._stand_ins:
            stand_in.close()

    @property
    def home(self) -> Path:
        """The user's folder."""
        return self._home

    @property
    def state(self) -> Path:
        """The folder of locks and journals."""
        return self._home / ".local" / "state" / "pipflow"

    @property
    def requirements(self) -> str:
        """The text of requirements.txt, line endings as they are."""
        return self.read("requirements.txt")

    @requirements.setter
    def requirements(self, text: str) -> None:
        self.write("requirements.txt", text)

    def read(self, name: str) -> str:
        """Return a file's text, line endings as they are."""
        return (self.folder / name).read_bytes().decode()

    def write(self, name: str, text: str) -> Path:
        """Write a file, and the folders above it."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return path

    def exists(self, name: str = "requirements.txt") -> bool:
        """Tell whether there is such a file."""
        return (self.folder / name).exists()

    def remove(self, name: str) -> None:
        """Remove a file."""
        (self.folder / name).unlink()

    def contents(self) -> dict[str, bytes]:
        """Return every file with its bytes."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }

    def stand_in(self, name: str, told: Mapping[str, Answer], *, again: bool = False) -> StandIn:
        """Put a stand-in on the path, perhaps in the place of another."""
        record = self._records / (f"{name}-{len(self._stand_ins)}" if again else name)
        stand_in = StandIn(record, self.programs / name, told)
        self._stand_ins.append(stand_in)
        return stand_in

    def invoke(
        self,
        *words: str,
        within: str = ".",
        environment: Mapping[str, str] | None = None,
        before: tuple[str, ...] = (),
    ) -> Finished:
        """Run ``invoke``; ``within`` is relative to the project, ``before`` a program to run it."""
        if not before:
            return self._run_module("invoke", words, within, environment or {})
        return self.run_words(
            [*before, self.python, "-m", "invoke", *words], within, environment or {}
        )

    def pipflow(
        self, *words: str, within: str = ".", environment: Mapping[str, str] | None = None
    ) -> Finished:
        """Run ``pipflow``."""
        return self._run_module("pipflow_tasks", words, within, environment or {})

    def run_file(
        self, file: Path, *words: str, environment: Mapping[str, str] | None = None
    ) -> Finished:
        """Run a program in Python, given as its file."""
        return self._run_module(str(file), words, ".", environment or {})

    def run_python(
        self, code: str, *words: str, environment: Mapping[str, str] | None = None
    ) -> Finished:
        """Run a program in a fresh Python, given as its text."""
        command = [self.python, "-c", code, *words]
        return self.run_words(command, ".", {**self.environment, **(environment or {})})

    @contextlib.contextmanager
    def started(
        self,
        *words: str,
        within: str = ".",
        environment: Mapping[str, str] | None = None,
        before: tuple[str, ...] = (),
    ) -> Iterator[Running]:
        """Start ``invoke``, and end it with the block if it has not ended by itself."""
        command = [*before, self.python, "-m", "invoke", *words]
        with self.started_words(*command, within=within, environment=environment) as running:
            yield running

    @contextlib.contextmanager
    def started_words(
        self, *words: str, within: str = ".", environment: Mapping[str, str] | None = None
    ) -> Iterator[Running]:
        """Start a program, and end it with the block if it has not ended by itself."""
        process = subprocess.Popen(
            words,
            cwd=self.folder / within,
            env={**self.environment, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
            preexec_fn=heed_signals,
        )
        with process:
            try:
                yield Running(process, words)
            finally:
                if process.poll() is None:
                    process.terminate()
                    try:
                        process.wait(_TIMEOUT_SECONDS)
                    except subprocess.TimeoutExpired:
                        process.kill()

    def _run_module(
        self, module: str, words: tuple[str, ...], within: str, environment: Mapping[str, str]
    ) -> Finished:
        """Run a module or a file: as a fork of a prepared Python where that makes no difference."""
        environment = {**self.environment, **environment}
        fixed = {"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
        if (
            self.python != sys.executable
            or "PIPFLOW_TESTS_FRESH" in os.environ
            or not can_run(environment, fixed)
        ):
            start = [module] if module.endswith(".py") else ["-m", module]
            return self.run_words([self.python, *start, *words], within, environment)
        prepared = prepare(tuple({**fixed, "HOME": os.devnull}.items()))
        folder = Path(os.path.realpath(self.folder / within))
        done = prepared.run(module, words, folder, environment, _TIMEOUT_SECONDS)
        check_printed(words, done.stdout)
        return Finished(status=done.returncode, stdout=done.stdout, stderr=done.stderr)

    def run_words(
        self,
        command: Sequence[str],
        within: str | Path = ".",
        environment: Mapping[str, str] = MappingProxyType({}),
    ) -> Finished:
        """Run any command in a folder of the project."""
        done = subprocess.run(
            command,
            cwd=self.folder / within,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            check=False,
            timeout=_TIMEOUT_SECONDS,
        )
        check_printed(command, done.stdout)
        return Finished(status=done.returncode, stdout=done.stdout, stderr=done.stderr)
