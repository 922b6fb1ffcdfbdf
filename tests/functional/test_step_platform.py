"""Flags of the install step that replace the image's platform and Python for wheels."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import sysconfig
from pathlib import Path

import pip
import pytest
from functional.prepared_pip import prepare_pip
from functional.temporary_project import TemporaryProject
from loopback_index import LoopbackIndex

HOST = f"3.{sys.version_info.minor}"
OTHER = f"3.{sys.version_info.minor - 1}"
CP = f"cp3{sys.version_info.minor}"
OTHER_CP = f"cp3{sys.version_info.minor - 1}"


@pytest.fixture(autouse=True)
def releases(index: LoopbackIndex) -> None:
    """Serve one project in versions for different platforms and Pythons."""
    for version, tags in {
        "1.0": ["py3-none-any"],
        "1.1": [f"{CP}-{CP}-manylinux1_x86_64"],
        "1.2": [f"{CP}-{CP}-manylinux2014_x86_64"],
        "1.3": [f"{CP}-{CP}-manylinux_2_17_x86_64"],
        "1.4": [f"{CP}-{CP}-manylinux_2_28_x86_64"],
        "1.5": [f"{CP}-{CP}-linux_x86_64"],
        "1.6": [f"{OTHER_CP}-{OTHER_CP}-manylinux_2_17_x86_64"],
        "1.7": ["py3-none-manylinux2014_aarch64"],
        "1.8": ["cp37-abi3-manylinux2014_x86_64"],
        "1.9": [f"{CP}-{CP}-macosx_11_0_arm64"],
    }.items():
        index.add("lib", version, tags=tags)
    index.add("lib", "2.0", requires_python=f">={HOST}.1")
    index.add("lib", "2.1", requires_python=">=3.99")


def dockerfile(flags: str, program: str = "pip install") -> str:
    """Return a Dockerfile for this Python whose step has flags."""
    return (
        f"FROM python:{HOST}-slim-bookworm\nCOPY . .\nRUN {program} {flags} -r requirements.txt\n"
    )


ORACLE = [
    "--platform manylinux2014_x86_64",
    "--platform manylinux1_x86_64",
    "--platform manylinux_2_17_x86_64",
    "--platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64",
    "--platform linux_x86_64",
    "--platform manylinux2014_aarch64",
    f"--platform manylinux_2_17_x86_64 --python-version {OTHER}",
    f"--platform manylinux_2_17_x86_64 --python-version {OTHER.replace('.', '')}",
    f"--python-version {HOST}.1",
    "--python-version 3.99",
    "--platform manylinux2014_x86_64 --abi abi3",
    "--platform manylinux2014_x86_64 --implementation py",
    "--ignore-requires-python",
]


@pytest.fixture
def own_pip() -> str:
    """The instruction that installs the pip of this Python."""
    return f"RUN pip install pip=={pip.__version__}\n"


@pytest.mark.parametrize("below", ["<2", ""])
@pytest.mark.parametrize("flags", ORACLE)
def test_pip_would_take_the_same(
    project: TemporaryProject, own_pip: str, flags: str, below: str
) -> None:
    """The version is the one that pip takes with the same flags."""
    flags = f"{flags} --only-binary=:all: --target /layer"
    text = dockerfile(flags).replace("RUN", f"{own_pip}RUN")
    project.write(
        "Dockerfile", text.replace(f"python:{HOST}-", f"python:{platform.python_version()}-")
    )
    done = prepare_pip(sys.executable).run(
        [
            *("--disable-pip-version-check", "install", "--quiet", "--dry-run"),
            *("--ignore-installed", "--report", "-", *flags.split(), f"lib{below}"),
        ],
        project.folder,
        project.environment,
    )
    assert done.returncode == 0, done.stderr
    taken = json.loads(done.stdout)["install"][0]["metadata"]["version"]
    project.requirements = f"lib==1.0  # pipflow: {below}\n" if below else "lib==1.0\n"
    told = project.invoke("deps.upgrade-all")
    assert told.status == 0, told.output
    assert f"lib=={taken}" in project.requirements


@pytest.mark.parametrize(
    ("variable", "value", "taken"),
    [
        ("PIP_PLATFORM", "manylinux2014_x86_64", "1.8"),
        ("PIP_PYTHON_VERSION", "3.99", "2.1"),
        ("PIP_IGNORE_REQUIRES_PYTHON", "1", "2.1"),
    ],
)
def test_variable_of_the_step(
    project: TemporaryProject, variable: str, value: str, taken: str
) -> None:
    """Pip's variables mean what the flags mean."""
    flags = "--only-binary=:all: --target /layer"
    text = dockerfile(flags).replace("COPY", f"ENV {variable}={value}\nCOPY")
    project.write("Dockerfile", text)
    project.requirements = "lib==1.0\n" if taken != "1.8" else "lib==1.0  # pipflow: <2\n"
    done = project.invoke("deps.upgrade-all")
    assert done.status == 0, done.output
    assert f"lib=={taken}" in project.requirements


@pytest.mark.parametrize(
    "platform",
    [
        "linux",
        "x86_64-manylinux2014",
        "x86_64-manylinux_2_28",
        "aarch64-unknown-linux-gnu",
        "x86_64-unknown-linux-musl",
    ],
)
def test_uv_would_take_the_same(project: TemporaryProject, platform: str) -> None:
    """Uv's ``--python-platform`` replaces the image's platform, in tags and in markers."""
    flags = f"--python-platform {platform}"
    project.write("Dockerfile", dockerfile(flags, "uv pip install"))
    asked = project.write("asked.txt", "lib<2\n")
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    done = subprocess.run(
        [
            *(str(uv), "pip", "compile", "--quiet", "--no-cache", "--no-header", "--no-annotate"),
            *("--no-config", "--no-python-downloads", "--python", sys.executable),
            *("--default-index", project.environment["PIP_INDEX_URL"], *flags.split(), str(asked)),
        ],
        env=project.environment,
        check=True,
        capture_output=True,
        text=True,
    )
    project.requirements = "lib==1.0  # pipflow: <2\n"
    told = project.invoke("deps.upgrade-all")
    assert told.status == 0, told.output
    assert done.stdout.strip() in project.requirements


@pytest.mark.parametrize(
    ("flags", "program", "message"),
    [
        ("--python-platform windows", "uv pip install", "--python-platform windows can't be"),
        ("--python-version 2.7", "pip install", "--python-version 2.7 is no version of Python 3"),
        ("--platform $PLATFORM", "pip install", "${PLATFORM}, which is known only in the image"),
    ],
)
def test_flag_that_can_not_be_served(
    project: TemporaryProject, flags: str, program: str, message: str
) -> None:
    """A flag that can't be served is an error that names the step."""
    project.write("Dockerfile", dockerfile(flags, program))
    project.requirements = "lib==1.0\n"
    done = project.invoke("deps.upgrade-all")
    assert done.status == 1
    assert "Dockerfile:3" in done.output
    assert message in done.output


def test_reason_names_the_platform(project: TemporaryProject) -> None:
    """What is held back for its platform says which one the step names."""
    project.write("Dockerfile", dockerfile("--platform manylinux2014_x86_64 --only-binary=:all:"))
    project.requirements = "lib==1.4\n"
    done = project.invoke("deps.check")
    assert f"lib 1.4 has no wheel for python {HOST}, manylinux2014_x86_64" in done.output


def test_python_of_the_wheels_where_no_other_is_known(project: TemporaryProject) -> None:
    """The Python that wheels are for counts where the base image's own is unknown."""
    flags = "--platform manylinux2014_x86_64 --only-binary=:all: --python-version"
    text = dockerfile(f"{flags} {HOST}").replace(f"python:{HOST}-slim-bookworm", "example/layer")
    project.write("Dockerfile", text)
    project.requirements = "lib==1.0  # pipflow: <1.8\n"
    done = project.invoke("deps.upgrade-all")
    assert done.status == 0, done.output
    assert "lib==1.2" in project.requirements
