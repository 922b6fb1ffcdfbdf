"""Drawn indexes for two images that share a file: what is written installs in each, says uv.

A dozen of them; with PIPFLOW_NIGHTLY=1, two hundred.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st
from loopback_index import LoopbackIndex

from pipflow_tasks import Project, RequirementsFile
from pipflow_tasks.errors import PipflowError

Releases: TypeAlias = Mapping[tuple[str, str], tuple[Mapping[str, tuple[str, str]], str | None]]
"""By project and version: what it needs, with a marker, and which Python alone takes it."""

IS_NIGHTLY = os.environ.get("PIPFLOW_NIGHTLY") == "1"
LETTERS = "abcd"
PYTHONS = {"old": "3.8", "new": "3.13"}
NAMES = {"base": "base.txt", "old": "old.txt", "new": "new.txt"}

_needs = st.dictionaries(
    st.sampled_from(LETTERS),
    st.tuples(
        st.sampled_from(["", ">=2", "<3", "<2", "==2"]),
        st.sampled_from(["", "; python_version < '3.9'", "; python_version >= '3.9'"]),
    ),
    max_size=2,
)
_releases = st.dictionaries(
    st.tuples(st.sampled_from(LETTERS), st.sampled_from("123")),
    st.tuples(_needs, st.sampled_from([None, None, "old", "new"])),
    max_size=9,
)
_files = st.fixed_dictionaries(
    {name: st.lists(st.sampled_from(LETTERS), max_size=2, unique=True) for name in NAMES}
)

INDEX = LoopbackIndex()
_numbers = itertools.count()


def setup_module() -> None:
    """Serve the index."""
    INDEX.__enter__()


def teardown_module() -> None:
    """End it."""
    INDEX.__exit__(None, None, None)


def make(folder: Path, releases: Releases, files: Mapping[str, list[str]]) -> str:
    """Make an index and a project of two services; return the mark of the projects' names."""
    mark = f"y{next(_numbers)}"
    for letter, version in itertools.product(LETTERS, "123"):
        needs, python = releases.get((letter, version), ({}, None))
        told = [
            f"{other}-{mark}{specifier}{marker}"
            for other, (specifier, marker) in needs.items()
            if other != letter
        ]
        INDEX.add(
            f"{letter}-{mark}",
            version,
            requires_dist=told,
            requires_python=">=3.9" if python == "new" else None,
            # uv does not heed an upper bound of Requires-Python
            tags=["cp38-cp38-manylinux2014_x86_64"] if python == "old" else ["py3-none-any"],
        )
    services = ["services:\n"]
    for name, python in PYTHONS.items():
        (folder / f"{name}.Dockerfile").write_text(
            f"FROM python:{python}-slim\nCOPY *.txt .\nRUN pip install -r base.txt -r {name}.txt\n"
        )
        build = f"build: {{context: ., dockerfile: {name}.Dockerfile}}"
        services.append(f"  {name}:\n    platform: linux/amd64\n    {build}\n")
    (folder / "compose.yaml").write_text("".join(services))
    for name, letters in files.items():
        (folder / NAMES[name]).write_text(
            "".join(f"{letter}-{mark}\n" for letter in sorted(letters))
        )
    return mark


def ask_uv(folder: Path, name: str) -> dict[str, str] | None:
    """Return what uv would install into an image; None where it finds nothing compatible."""
    words = ["pip", "compile", "--no-config", "--quiet", "--no-header", "--no-annotate"]
    words += ["--no-python-downloads", "--python", sys.executable]
    words += ["--python-version", PYTHONS[name], "--python-platform", "x86_64-manylinux_2_28"]
    words += ["--index-url", INDEX.url, "base.txt", f"{name}.txt"]
    environment = {"PATH": os.environ["PATH"], "UV_CACHE_DIR": str(folder / "uv")}
    done = subprocess.run(
        [sys.executable, "-m", "uv", *words],
        check=False,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        env=environment,
    )
    if done.returncode:
        return None
    lines = (line.partition("==") for line in done.stdout.splitlines())
    return {name: version for name, equal, version in lines if equal}


def read(folder: Path, name: str) -> dict[str, str]:
    """Return the pins that an image gets of its two files."""
    found: dict[str, str] = {}
    for path in ("base.txt", f"{name}.txt"):
        file = RequirementsFile.from_bytes((folder / path).read_bytes(), path=path)
        for line in file.requirements:
            if line.marker is None or line.marker.evaluate({"python_version": PYTHONS[name]}):
                assert line.name is not None
                assert found.setdefault(line.name, str(line.pin)) == str(line.pin)
    return found


def texts(folder: Path) -> dict[str, str]:
    """Return what is in the files."""
    return {name: (folder / path).read_text() for name, path in NAMES.items()}


@given(_releases, _files)
@settings(max_examples=200 if IS_NIGHTLY else 12, deadline=None)
def test_locked_files_install_in_each_image(
    releases: Releases, files: Mapping[str, list[str]]
) -> None:
    """After `pin` and `lock`, uv installs in each image what the lines for it say, and no more.

    Where `pin` finds nothing, uv finds nothing for one of the images, or they have no version of a
    shared line in common.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        mark = make(folder, releases, files)
        unpinned = {each: ask_uv(folder, each) for each in PYTHONS}
        environment = {"PIP_INDEX_URL": INDEX.url, "PIP_CONFIG_FILE": os.devnull, "PATH": ""}
        chosen = {
            "INVOKE_PIPFLOW_FILE": "base.txt,old.txt,new.txt",
            "INVOKE_PIPFLOW_REBUILD": "never",
        }
        with Project.open(folder, environment={**environment, **chosen}) as project:
            try:
                project.apply(project.plan_pin())
            except PipflowError:
                shared = {f"{letter}-{mark}" for letter in files["base"]}
                old, new = unpinned["old"], unpinned["new"]
                assert old is None or new is None or any(old[n] != new[n] for n in shared)
                return
            assert all(found is not None for found in unpinned.values())
            try:
                project.apply(project.plan_lock())
            except PipflowError:
                return  # a file would need a project at two versions: compared in test_partition
        for each in PYTHONS:
            assert ask_uv(folder, each) == read(folder, each)


@given(_releases, _files)
@settings(max_examples=12, deadline=None)
def test_lock_is_stable(releases: Releases, files: Mapping[str, list[str]]) -> None:
    """`check` finds a new lock up to date, and doing the same again changes nothing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, releases, files)
        environment = {
            "PIP_INDEX_URL": INDEX.url,
            "PIP_CONFIG_FILE": os.devnull,
            "PATH": "",
            "INVOKE_PIPFLOW_FILE": "base.txt,old.txt,new.txt",
            "INVOKE_PIPFLOW_REBUILD": "never",
        }
        with Project.open(folder, environment=environment) as project:
            try:
                project.apply(project.plan_pin())
                project.apply(project.plan_lock())
            except PipflowError:
                return
            for plan in (project.plan_lock, project.plan_upgrade_all):
                project.apply(plan())
                found = [each.message for each in project.plan_check().findings]
                assert not [message for message in found if "lock" in message], found
                before = texts(folder)
                project.apply(plan())
                assert before == texts(folder)
