"""Whole commands against their peers: ``python benchmarks/compare.py --help``.

Each case is run by every tool that is installed, in turns, each time in a fresh process. README.md
beside this file says what the cases are. Tools that choose versions must choose the same ones.
"""

from __future__ import annotations

import argparse
import compileall
import hashlib
import json
import os
import re
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import trustme
from plot import draw
from resolve import ALL, DIRECT, PYTHON, SHAPES, PreparedIndex, fill
from uv import find_uv_bin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from loopback_index import Request, _Answer

State = Literal["cold", "fresh", "revalidated"]

LONG_TAIL = (*SHAPES, *[(5, 10)] * 30, *[(10, 20)] * 30, *[(30, 60)] * 30)
"""A thousand pinned projects are not all among the best known; most of them have few files."""

SERVICES = 50
SECONDS_FRESH = 600
TASKS = """\
from invoke import Collection
from pipflow_tasks import namespace

namespace = Collection(deps=namespace)
"""


class CachedIndex(PreparedIndex):
    """An index whose answers have validators, and say for how long they are fresh.

    Attributes:
        seconds_fresh: of a page; metadata never change, as on the index of pip's default.
        sent: the size of the bodies.
        trust: the authority of the certificate, or None for an index without TLS.
    """

    def __init__(self, trust: trustme.CA | None) -> None:
        super().__init__()
        self.seconds_fresh = SECONDS_FRESH
        self.trust = trust
        self.sent = 0
        self._tags: dict[int, str] = {}

    def __enter__(self) -> CachedIndex:
        super().__enter__()
        if self.trust is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.trust.issue_cert("127.0.0.1").configure_cert(context)
            assert self._server is not None
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        return self

    @property
    def url(self) -> str:
        """The address, as ``--index-url`` takes it."""
        return super().url.replace("http:", "http:" if self.trust is None else "https:")

    def _answer(self, request: Request) -> _Answer:
        answer = super()._answer(request)
        if answer.status != 200:
            return answer
        if id(answer) not in self._tags:
            self._tags[id(answer)] = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
        tag = self._tags[id(answer)]
        age = f"max-age={self.seconds_fresh}, public"
        if request.path.endswith(".metadata") and self.seconds_fresh:
            age = "max-age=365000000, immutable, public"
        headers = {**answer.headers, "ETag": tag, "Cache-Control": age}
        if tag in request.headers.get("If-None-Match", ""):
            return replace(answer, status=304, headers=headers, body=b"")
        self.sent += len(answer.body)
        return replace(answer, headers=headers)


@dataclass(frozen=True, kw_only=True)
class Command:
    """What one tool runs for a case.

    Attributes:
        words: the command.
        folder: where it runs.
        pins: how its output is read as pins, or None.
    """

    words: Sequence[str]
    folder: Path
    pins: Callable[[str], dict[str, str]] | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the table."""

    name: str
    state: State
    size: int
    commands: dict[str, Command]


@dataclass(kw_only=True)
class Measured:
    """What the runs of one tool took, each a list with a number for each run."""

    wall_seconds: list[float] = field(default_factory=list)
    processor_seconds: list[float] = field(default_factory=list)
    memory_bytes: list[int] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    sent_bytes: list[int] = field(default_factory=list)


class Runner:
    """A small process that runs commands: what a child inherits of ours is not measured."""

    def __init__(self) -> None:
        words = [sys.executable, "-I", "-S", str(Path(__file__).with_name("runner.py"))]
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )

    def run(self, words: Sequence[str], folder: Path, environment: dict[str, str]) -> Any:
        """Return status, output, and what the command took."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([[*words], str(folder), environment]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.communicate()


class Bench:
    """The folders and environment of all cases; a size is how many pins a file has."""

    def __init__(self, root: Path, index: CachedIndex, peers: Path | None) -> None:
        self.root = root
        self.index = index
        self.peers = peers
        self.cache = root / "cache"
        self.pins: list[str] = []
        (root / "bin").mkdir()

    def environment(self) -> dict[str, str]:
        """Return the variables of every command; what the machine sets for pip does not count."""
        kept = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
        mine = {
            "HOME": str(self.root),
            "INVOKE_PIPFLOW_BUILDER": "docker",
            "INVOKE_PIPFLOW_PLATFORM": "linux/amd64",
            "PATH": str(self.root / "bin"),
            "PYTHONPATH": str(
                Path(__file__).parents[1]
            ),  # this tree, wherever another is installed
            "PIPFLOW_CACHE_DIR": str(self.cache / "ours"),
            "PIP_CACHE_DIR": str(self.cache / "pip"),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_INDEX_URL": self.index.url,
            "UV_CACHE_DIR": str(self.cache / "uv"),
            "XDG_CONFIG_DIRS": str(self.root),
        }
        bundle = str(self.root / "ca.pem")
        trust = {} if self.index.trust is None else {"PIP_CERT": bundle, "SSL_CERT_FILE": bundle}
        return {**kept, **mine, **trust}

    def fill(self, size: int) -> None:
        """Make the projects and files of a size."""
        kinds = SHAPES if size <= DIRECT else LONG_TAIL
        self.index.answers.clear()
        self.index.metadata.clear()
        self.index._tags.clear()
        self.pins = fill(self.index, kinds, size, size * ALL // DIRECT)
        folder = self.root / str(size)
        shutil.rmtree(folder, ignore_errors=True)
        self._write_project(folder, self.pins)
        wanted = [pin.replace("==", ">=") for pin in self.pins]
        (folder / "asked.txt").write_text("".join(f"{line}\n" for line in wanted))
        (folder / "tasks.py").write_text(TASKS)

    def _write_project(self, folder: Path, lines: Sequence[str]) -> None:
        folder.mkdir(parents=True)
        (folder / "Dockerfile").write_text(
            f"FROM python:{PYTHON}-slim\nCOPY . .\nRUN pip install -r requirements.txt\n"
        )
        (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in lines))

    def ours(self, folder: Path, *words: str) -> Command:
        """Return a command of ours; its report is read as the pins after it."""
        before = dict(
            line.split("==")
            for line in (folder / "requirements.txt").read_text().splitlines()
            if "==" in line
        )

        def read(output: str) -> dict[str, str]:
            changes = json.loads(output)["changes"]
            return {**before, **{each["project"]: each["to"] for each in changes}}

        words = (sys.executable, "-m", "invoke", *words, "--format", "json")
        return Command(words=words, folder=folder, pins=read)

    def uv(self, folder: Path, file: str, *options: str) -> Command:
        """Return a command of uv's that resolves a file."""
        words = [
            find_uv_bin(), "pip", "compile", file, "--no-config", "--no-header", "--no-annotate",
            "--quiet", "--no-build", "--no-python-downloads", "--python", sys.executable,
            "--python-version", PYTHON, "--index-url", self.index.url, *options,
        ]  # fmt: skip
        return Command(words=words, folder=folder, pins=_read_pins)

    def pur(self, folder: Path) -> Iterator[tuple[str, Command]]:
        """Yield pur, where it is installed; it looks at no dependencies."""
        program = Path(os.devnull) if self.peers is None else self.peers / "bin/pur"
        if program.exists():
            words = [str(program), "--dry-run", "--index-url", self.index.url]
            yield "pur", Command(words=words, folder=folder)

    def cases(self, size: int) -> Iterator[Case]:
        """Yield the cases of a size, whose files have been made."""
        folder = self.root / str(size)
        all_ours = self.ours(folder, "deps.upgrade-all", "--dry-run")
        alone = self.ours(folder, "deps.upgrade-all", "--dry-run", "--no-resolve")
        states: tuple[State, ...] = ("cold", "fresh", "revalidated")
        for state in states:
            commands = {"ours": alone, "uv": self.uv(folder, "asked.txt", "--no-deps")}
            commands |= dict(self.pur(folder)) if size < DIRECT else {}
            yield Case(name=f"{size} pins, alone", state=state, size=size, commands=commands)
            commands = {"ours": all_ours, "uv": self.uv(folder, "asked.txt")}
            yield Case(name=f"{size} pins, resolved", state=state, size=size, commands=commands)
        if size == DIRECT:
            yield from self._cases_of_hundred(folder)

    def _cases_of_hundred(self, folder: Path) -> Iterator[Case]:
        listing = Command(words=[sys.executable, "-m", "invoke", "--list"], folder=folder)
        version = Command(words=[find_uv_bin(), "--version"], folder=folder)
        commands = {"invoke --list": listing, "uv": version}
        yield Case(name="start", state="fresh", size=DIRECT, commands=commands)
        one = self.root / "one"
        shutil.rmtree(one, ignore_errors=True)
        self._write_project(one, self.pins[-1:])
        shutil.copy(folder / "tasks.py", one)
        commands = {"ours": self.ours(one, "deps.outdated"), "invoke --list": listing}
        yield Case(name="outdated, one line", state="fresh", size=DIRECT, commands=commands)
        newcomer = next(
            name
            for name in (path.split("/")[2] for path in self.index.answers)
            if name not in {pin.split("==")[0] for pin in self.pins}
        )
        compiled = "".join(f"{pin}\n" for pin in self._solved())
        solved = self.root / "solved"
        shutil.rmtree(solved, ignore_errors=True)
        self._write_project(solved, compiled.splitlines())
        shutil.copy(folder / "tasks.py", solved)
        (solved / "more.txt").write_text(f"{compiled}{newcomer}\n")
        commands = {"ours": self.ours(solved, "deps.outdated"), "invoke --list": listing}
        yield Case(name="outdated, 100 pins", state="fresh", size=DIRECT, commands=commands)
        for state in ("cold", "fresh"):
            commands = {
                "ours": self.ours(solved, "deps.add", newcomer, "--dry-run"),
                "uv": self.uv(solved, "more.txt"),
            }
            yield Case(name="add to 100 pins", state=state, size=DIRECT, commands=commands)
            commands = {
                "ours": self.ours(solved, "deps.lock", "--dry-run"),
                "uv": self.uv(solved, "requirements.txt"),
            }
            yield Case(name="lock 100 pins", state=state, size=DIRECT, commands=commands)
        yield from self._cases_of_services(compiled.splitlines())
        yield self._case_of_images()
        yield self._case_of_long_file()

    def _solved(self) -> list[str]:
        """Return pins of the hundred projects that go together, a version below the newest ones."""
        command = self.uv(self.root / str(DIRECT), "asked.txt", "--resolution", "lowest-direct")
        done = subprocess.run(
            command.words, cwd=command.folder, env=self.environment(), check=True,
            capture_output=True, encoding="utf-8",
        )  # fmt: skip
        names = {pin.split("==")[0] for pin in self.pins}
        pins = _read_pins(done.stdout)
        return [f"{name}=={version}" for name, version in pins.items() if name in names]

    def _cases_of_services(self, pins: Sequence[str]) -> Iterator[Case]:
        folder = self.root / "services"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        lines = ["from invoke import Collection", "from pipflow_tasks import namespace_for"]
        lines += ["namespace = Collection()"]
        names = [f"s{number:02}" for number in range(SERVICES)]
        for number, name in enumerate(names):
            self._write_project(folder / name, pins[number : number + 20])
            lines.append(f'namespace.add_collection(namespace_for("{name}"))')
        (folder / "tasks.py").write_text("\n".join(lines) + "\n")
        words = [sys.executable, "-m", "invoke", *(f"{name}.outdated" for name in names)]
        commands = {"ours": Command(words=words, folder=folder)}
        for state in ("cold", "fresh"):
            yield Case(name=f"{SERVICES} services", state=state, size=DIRECT, commands=commands)

    def _case_of_images(self) -> Case:
        """Return a case of one file that one image installs, or two, or twenty equal ones."""
        commands: dict[str, Command] = {}
        for count, pythons in ((1, ["3.12"]), (2, ["3.12", "3.11"]), (20, ["3.12"] * 20)):
            folder = self.root / f"images-{count}"
            shutil.rmtree(folder, ignore_errors=True)
            self._write_project(folder, self.pins)
            shutil.copy(self.root / str(DIRECT) / "tasks.py", folder)
            text = (folder / "Dockerfile").read_text()
            names = [f"{number}.Dockerfile" for number in range(count)]
            for name, python in zip(names, pythons, strict=True):
                (folder / name).write_text(re.sub(r"python:[0-9.]+", f"python:{python}", text))
            (folder / "invoke.yaml").write_text(f"pipflow: {{dockerfile: '{','.join(names)}'}}\n")
            words = ("deps.upgrade-all", "--dry-run")
            commands[f"{count} image{'s' if count > 1 else ''}"] = self.ours(folder, *words)
        return Case(name="images of one file", state="fresh", size=DIRECT, commands=commands)

    def _case_of_long_file(self) -> Case:
        folder = self.root / "long"
        shutil.rmtree(folder, ignore_errors=True)
        lines = [f"project-{number}=={number % 7}.{number % 5}" for number in range(10_000)]
        self._write_project(folder, lines)
        shutil.copy(self.root / str(DIRECT) / "tasks.py", folder)
        words = ("deps.remove", "project-5000", "--no-resolve", "--dry-run")
        commands = {"ours": self.ours(folder, *words)}
        return Case(name="remove of 10,000 lines", state="fresh", size=DIRECT, commands=commands)


def _read_pins(output: str) -> dict[str, str]:
    lines = [line.split("==") for line in output.splitlines() if "==" in line]
    return {name.strip(): version.strip() for name, version in lines}


def measure(bench: Bench, runner: Runner, case: Case, repetitions: int) -> dict[str, Measured]:
    """Run the commands of a case in turns; a run that only fills the caches comes before.

    Raises:
        RuntimeError: a command failed, or two chose different versions.
    """
    index = bench.index
    index.seconds_fresh = 0 if case.state == "revalidated" else SECONDS_FRESH
    shutil.rmtree(bench.cache, ignore_errors=True)
    environment = bench.environment()
    measured = {tool: Measured() for tool in case.commands}
    for repetition in range(repetitions + 1):
        chosen: dict[str, dict[str, str]] = {}
        for tool, command in case.commands.items():
            if case.state == "cold":
                shutil.rmtree(bench.cache, ignore_errors=True)
            index.requests.clear()
            index.sent = 0
            done = runner.run(command.words, command.folder, environment)
            if done["status"]:
                raise RuntimeError(f"{case.name}: {tool} failed: {done['errors'][-2000:]}")
            if command.pins is not None:
                chosen[tool] = command.pins(done["output"])
            if repetition:
                _note(measured[tool], done, index)
        _compare(case, chosen)
    return measured


def _note(measured: Measured, done: dict[str, Any], index: CachedIndex) -> None:
    measured.wall_seconds.append(done["wall"])
    measured.processor_seconds.append(done["processor"])
    measured.memory_bytes.append(done["memory"])
    measured.requests.append(len(index.requests))
    measured.sent_bytes.append(index.sent)


def _compare(case: Case, chosen: dict[str, dict[str, str]]) -> None:
    if {"ours", "uv"} <= chosen.keys():
        ours, uv = chosen["ours"], chosen["uv"]
        other = [name for name in ours if name in uv and ours[name] != uv[name]]
        if other:
            raise RuntimeError(f"{case.name}: different pins of {', '.join(other)}")


HEAD = (
    "| case | state | tool | wall s | spread | processor s | spread | memory MB | requests |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def rows(case: Case, measured: dict[str, Measured]) -> Iterator[str]:
    """Yield a row of the table for each tool: medians, and the least and most."""
    for tool, each in measured.items():
        wall, work = each.wall_seconds, each.processor_seconds
        yield (
            f"| {case.name} | {case.state} | {tool} "
            f"| {statistics.median(wall):.2f} | {min(wall):.2f} to {max(wall):.2f} "
            f"| {statistics.median(work):.2f} | {min(work):.2f} to {max(work):.2f} "
            f"| {statistics.median(each.memory_bytes) / 1e6:.0f} "
            f"| {statistics.median(each.requests):.0f} |"
        )


def main(chosen: argparse.Namespace) -> None:
    """Measure, and print the table."""
    runner = Runner()  # before this process is large
    package = Path(__file__).parents[1] / "pipflow_tasks"
    compileall.compile_dir(package, quiet=1)  # as pip does; Invoke lets nobody write bytecode
    trust = trustme.CA() if chosen.tls else None
    found: list[dict[str, Any]] = []
    print(HEAD, flush=True)
    with CachedIndex(trust) as index, tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        if trust is not None:
            trust.cert_pem.write_to_path(str(root / "ca.pem"))
        bench = Bench(root, index, chosen.peers)
        for size in chosen.sizes:
            index.delay_seconds = 0
            bench.fill(size)
            for case in bench.cases(size):
                index.delay_seconds = chosen.delay / 1000
                if not fnmatch(f"{case.name}, {case.state}", chosen.only):
                    continue
                measured = measure(bench, runner, case, chosen.repetitions)
                for row in rows(case, measured):
                    print(row, flush=True)
                tools = {tool: asdict(each) for tool, each in measured.items()}
                found.append({"case": case.name, "state": case.state, "tools": tools})
    runner.close()
    if chosen.json is not None:
        record = {"delay_ms": chosen.delay, "tls": chosen.tls, "cases": found}
        chosen.json.write_text(json.dumps(record, indent=1) + "\n")
    if chosen.plot is not None:
        chosen.plot.write_text(draw(found), "utf-8")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="Measure whole commands against their peers.")
    options.add_argument("--repetitions", type=int, default=5)
    options.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000])
    options.add_argument("--only", default="*", help='a pattern of "CASE, STATE"')
    options.add_argument("--delay", type=float, default=20, help="milliseconds for each answer")
    options.add_argument("--tls", action="store_true")
    options.add_argument("--peers", type=Path, help="a venv that has pur")
    options.add_argument("--json", type=Path, help="write all runs into this file")
    options.add_argument("--plot", type=Path, help="draw the files of pins into this SVG")
    main(options.parse_args())
