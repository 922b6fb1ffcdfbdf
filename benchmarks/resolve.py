"""Cold resolution of a 100-line file against uv: ``python benchmarks/resolve.py --help``.

A made-up index of realistic shape is served on loopback, from bytes made beforehand, with every
answer delayed by 20 ms. README.md beside this file says what is modelled. The two commands,
`Project.plan_upgrade_all` and `uv pip compile --no-cache`, take turns, each in a fresh process.
They must choose the same pins. The ratio is our median divided by uv's median.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from uv import find_uv_bin

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from loopback_index import JSON_V1, LoopbackIndex, Request, _Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

DELAY_SECONDS = 0.02
DIRECT, ALL = 100, 150
PYTHON = "3.11"

OURS = """
import sys
from pipflow_tasks import Project
from pipflow_tasks.settings import Settings
root, url = sys.argv[1:]
environment = {"PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": url}
settings = Settings(platform="linux/amd64", builder="docker")  # no engine is looked for
with Project.open(root, settings, environment, caching="off") as project:
    plan = project.plan_upgrade_all()
    for edit in plan.edits:
        sys.stdout.write(edit.after.decode())
"""

TOOLS = [f"tool-{letter}" for letter in "abcdefghijkl"]
"""The dependencies of an extra that nobody asks for; most projects have such an extra."""

SHAPES = (
    (160, 244), (64, 110), (441, 815), (140, 4415), (121, 2625), (2159, 4318), (2557, 4990),
    (228, 363), (344, 6796), (212, 2068), (371, 742), (204, 299), (169, 296), (27, 1195),
    (193, 355), (66, 130), (52, 97), (106, 195), (105, 192), (77, 143), (42, 75), (67, 2633),
    (160, 3742), (82, 2124), (315, 10746), (32, 657), (106, 3910), (130, 5207), (207, 414),
    (101, 147),
)  # fmt: skip
"""How many versions and files thirty projects have that are in many requirements files."""

SMALL_SHAPES = ((10, 20),)

WHEELS = [
    f"cp3{minor}-cp3{minor}-{platform}"
    for minor in (11, 10, 9, 12, 13, 14)
    for platform in (
        "manylinux_2_17_x86_64.manylinux2014_x86_64",
        "manylinux_2_17_aarch64.manylinux2014_aarch64",
        "musllinux_1_2_x86_64",
        "macosx_11_0_arm64",
        "win_amd64",
        "win32",
    )
]
"""The tags of compiled wheels; a project with few files a version has the first."""


class PreparedIndex(LoopbackIndex):
    """An index with prepared answers; those of metadata files are kept from the first request."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, tuple[_Answer, _Answer]] = {}
        self.metadata: dict[str, str] = {}

    def prepare(self, path: str, kind: str, body: bytes) -> None:
        """Keep an answer for a path, plain and compressed."""
        headers = {"Content-Type": kind}
        packed = {**headers, "Content-Encoding": "gzip"}
        self.answers[path] = (
            _Answer(headers=headers, body=body),
            _Answer(headers=packed, body=gzip.compress(body, 6)),
        )

    def _answer(self, request: Request) -> _Answer:
        self._closing.wait(self.delay_seconds)
        if request.path in self.metadata:
            text = self.metadata.pop(request.path)
            self.prepare(request.path, "application/octet-stream", text.encode())
        if request.path not in self.answers:
            return _Answer(status=404)
        return self.answers[request.path]["gzip" in request.headers.get("Accept-Encoding", "")]


def fill(
    index: PreparedIndex,
    kinds: Sequence[tuple[int, int]],
    direct: int = DIRECT,
    everything: int = ALL,
) -> list[str]:
    """Make up projects; return the pins of the first of them, some releases old.

    A project needs up to six of those after it, most of them from a recent version on. A few need
    a version below the newest, so that the newest versions conflict.

    Args:
        index: where to put their pages.
        kinds: how many versions and files a project may have.
        direct: how many are pinned.
        everything: how many there are.
    """
    chance = random.Random(4)  # noqa: S311
    found: dict[str, None] = {}
    while len(found) < everything:
        found[f"{chance.choice('abcdefghkmnprstvw')}{chance.randrange(10**5):05}"] = None
    names = [*found]
    shapes = dict(zip(names, chance.choices(kinds, k=everything), strict=True))
    releases = {
        name: [f"{n // 60 + 1}.{n % 60 // 6}.{n % 6}" for n in range(versions)]
        for name, (versions, _) in shapes.items()
    }
    needs: dict[str, list[str]] = {name: [] for name in names}
    for place, name in enumerate(names[:-1]):
        behind = names[place + 1 :][:40]
        if place + 1 < direct:
            behind += names[direct:]
        for other in chance.sample(behind, min(len(behind), chance.choice((0, 1, 2, 3, 4, 6)))):
            needs[name].append(f"{other}>={chance.choice(releases[other])}")
    for other in names[direct:]:
        needs[chance.choice(names[:direct])].append(other)
    first = direct // 5
    for other in chance.sample(names[first:direct], direct * 12 // 100):
        needs[chance.choice(names[:first])].append(f"{other}<{releases[other][-1]}")
    for name in names:
        versions, files = shapes[name]
        wheels = WHEELS[: round(files / versions) - 1] if files / versions > 3 else ["py3-none-any"]
        prepare_project(index, name, releases[name], needs[name], wheels)
    return [f"{name}=={releases[name][len(releases[name]) // 2]}" for name in names[:direct]]


def prepare_project(
    index: PreparedIndex, name: str, versions: list[str], needs: list[str], tags: list[str]
) -> None:
    """Make the page of a project, and the metadata of its wheels."""
    files: list[dict[str, object]] = []
    for number, version in enumerate(versions):
        # Dependencies grow with time; an upper bound came with the last releases.
        stated = needs if number > len(versions) * 0.8 else [n for n in needs if "<" not in n][:2]
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: >=3.8\n"
        text += "".join(f"Requires-Dist: {need}\n" for need in stated)
        text += "".join(
            f'Requires-Dist: {each}>={len(versions)}; extra == "dev"\n' for each in TOOLS
        )
        text += "\n" + "What it is, at the length that is usual for a README.\n" * 100
        endings = [f"{tag}.whl" for tag in tags] + ["tar.gz"]
        for ending in endings:
            is_wheel = ending.endswith(".whl")
            filename = f"{name}-{version}{'-' if is_wheel else '.'}{ending}"
            digest = hashlib.sha256(filename.encode()).hexdigest()
            metadata = {"sha256": hashlib.sha256(text.encode()).hexdigest()} if is_wheel else False
            path = f"/packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{filename}"
            files.append(
                {
                    "core-metadata": metadata,
                    "filename": filename,
                    "hashes": {"sha256": digest},
                    "requires-python": ">=3.8",
                    "size": 100_000 + number,
                    "upload-time": f"20{10 + number % 15}-03-04T05:06:07.123456Z",
                    "url": f"{index.url.removesuffix('/simple/')}{path}",
                    "yanked": False,
                }
            )
            if is_wheel:
                index.metadata[f"{path}.metadata"] = text
    page = {"meta": {"api-version": "1.1"}, "name": name, "versions": versions, "files": files}
    index.prepare(f"/simple/{name}/", JSON_V1, json.dumps(page).encode())


def run(words: Sequence[str], bytecode: Path) -> tuple[float, float, dict[str, str]]:
    """Return the seconds that a command takes, its processor seconds, and its pins.

    Args:
        words: the command.
        bytecode: a folder for bytecode, which a work tree may lack, unlike an installed package.
    """
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(bytecode)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    worked = _seconds_of_children()
    begun = time.perf_counter()
    done = subprocess.run(
        words, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    seconds = time.perf_counter() - begun
    assert done.returncode == 0, done.stderr
    lines = [line.split("==") for line in done.stdout.splitlines() if "==" in line]
    pins = {name.strip(): version.strip() for name, version in lines}
    return seconds, _seconds_of_children() - worked, pins


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(repetitions: int, kinds: Sequence[tuple[int, int]]) -> None:
    """Measure, and print the results."""
    index = PreparedIndex()
    with index, tempfile.TemporaryDirectory() as folder:
        pins = fill(index, kinds)
        index.delay_seconds = DELAY_SECONDS
        root = Path(folder)
        (root / "Dockerfile").write_text(
            f"FROM python:{PYTHON}-slim\nCOPY . .\nRUN pip install -r requirements.txt\n"
        )
        (root / "requirements.txt").write_text("".join(f"{pin}\n" for pin in pins))
        (root / "asked.txt").write_text("".join(f"{p.replace('==', '>=')}\n" for p in pins))
        ours = [sys.executable, "-c", OURS, folder, index.url]
        theirs = [
            find_uv_bin(), "pip", "compile", str(root / "asked.txt"), "--no-cache", "--no-config",
            "--no-header", "--no-annotate", "--quiet", "--no-build", "--no-python-downloads",
            "--python", sys.executable, "--python-version", PYTHON, "--index-url", index.url,
        ]  # fmt: skip
        measured: dict[str, list[tuple[float, float]]] = {"ours": [], "uv": []}
        answers: dict[str, dict[str, str]] = {}
        for repetition in range(repetitions + 1):
            for tool, words in (("ours", ours), ("uv", theirs)):
                index.requests.clear()
                served = time.process_time()
                seconds, worked, answers[tool] = run(words, root / "bytecode")
                served = time.process_time() - served
                if repetition:  # the first is to warm up
                    measured[tool].append((seconds, worked))
                if repetition == 1:
                    print(f"{tool}: {len(index.requests)} requests, served in {served:.2f} s")
        names = [pin.split("==")[0] for pin in pins]
        other = [name for name in names if answers["ours"].get(name) != answers["uv"].get(name)]
        print(f"{len(names)} lines, {len(answers['uv'])} projects; different pins: {other}")
        ratio = 1.0
        for tool, runs in measured.items():
            seconds, worked = (statistics.median(column) for column in zip(*runs, strict=True))
            print(f"{tool}: median {seconds:.2f} s, processor {worked:.2f} s; of", end="")
            print("", *(f"{each:.2f}" for each, _ in sorted(runs)))
            ratio = seconds / ratio if tool == "ours" else ratio / seconds
        print(f"ratio {ratio:.2f}")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="Measure a cold resolution against uv.")
    options.add_argument("repetitions", type=int, nargs="?", default=5)
    options.add_argument("--small-pages", action="store_true", help="ten versions a project")
    chosen = options.parse_args()
    main(chosen.repetitions, SMALL_SHAPES if chosen.small_pages else SHAPES)
