"""The image decides: versions are chosen for the Dockerfile's Python, not for this host's."""

from __future__ import annotations

import platform

import pytest
from functional.temporary_project import ENGINE, TemporaryProject, dockerfile
from loopback_index import LoopbackIndex

PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")


@pytest.fixture(autouse=True)
def _fill(index: LoopbackIndex) -> None:
    for python in PYTHONS:
        index.add("lib", f"1.{python.partition('.')[2]}", requires_python=f">={python}")


@pytest.mark.parametrize("python", PYTHONS)
def test_python_of_the_dockerfile(project: TemporaryProject, python: str) -> None:
    """The newest version that supports the Python of FROM is pinned, whatever the host has."""
    project.write("Dockerfile", dockerfile(python))
    done = project.invoke("deps.add", "lib", "--format", "json")
    assert (done.status, done.report["environments"][0]["python"]) == (0, python)
    assert project.requirements == f"lib==1.{python.partition('.')[2]}\n"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("ARG PYTHON=3.11\nFROM python:${PYTHON}-slim\n", "1.11"),
        ("ARG PYTHON\nFROM python:${PYTHON:-3.10}\n", "1.10"),
        ("FROM python:3.12.4-alpine3.19\n", "1.12"),
        ("FROM --platform=linux/arm64 python:3.8-bookworm\n", "1.8"),
        ("FROM docker.io/library/python:3.9@sha256:" + "0" * 64 + "\n", "1.9"),
        ("FROM python:3.13 AS web\nRUN true\nFROM web\n", "1.13"),
    ],
)
def test_names_of_base_images(project: TemporaryProject, text: str, version: str) -> None:
    """Tags, defaults of ARG, digests and stages that build on others tell the Python."""
    project.write(
        "Dockerfile", f"{text}COPY requirements.txt .\nRUN pip install -r requirements.txt\n"
    )
    assert project.invoke("deps.add", "lib").status == 0
    assert project.requirements == f"lib=={version}\n"


def test_stage_that_installs_decides(project: TemporaryProject) -> None:
    """Of several stages the one that installs the requirements is the target."""
    project.write(
        "Dockerfile",
        f"FROM node:20 AS front\nRUN npm ci\n\n{dockerfile('3.10')}\n"
        "FROM python:3.13-slim\nCOPY --from=front /dist /dist\n",
    )
    report = project.invoke("deps.add", "lib", "--format", "json").report
    assert (report["environments"][0]["python"], report["environments"][0]["origin"]) == (
        "3.10",
        "Dockerfile:4",
    )


def test_stages_of_two_images(project: TemporaryProject) -> None:
    """Files that one Dockerfile installs in different images, be they included, suit them all."""
    project.requirements = "lib==1.8\n"
    project.write("requirements-dev.txt", "-r requirements.txt\n")
    dev = dockerfile("3.12").replace("requirements.txt", "requirements*.txt", 1)
    project.write(
        "Dockerfile",
        dockerfile("3.10") + dev.replace("-r requirements", "-r requirements-dev"),
    )
    done = project.invoke("deps.upgrade-all", "--file", "requirements-dev.txt,requirements.txt")
    assert (done.status, project.requirements) == (0, "lib==1.10\n")
    assert "python 3.10" in done.stdout
    assert "python 3.12" in done.stdout


@pytest.mark.parametrize("base", ["ubuntu:24.04", "registry.example/team/base:7", "python:latest"])
def test_python_that_can_not_be_known_is_asked_for(project: TemporaryProject, base: str) -> None:
    """A base image that does not tell its Python: status 1, its line, the hint to set `python`."""
    project.write("Dockerfile", dockerfile("3.9").replace("python:3.9-slim", base))
    done = project.invoke("deps.add", "lib")
    assert (done.status, done.stdout, project.exists()) == (1, "", False)
    assert done.stderr.startswith("error: Dockerfile:1: ")
    assert "`python`" in done.stderr
    settings = {"INVOKE_PIPFLOW_PYTHON": "3.10"}
    assert project.invoke("deps.add", "lib", environment=settings).status == 0
    assert project.requirements == "lib==1.10\n"


def test_setting_overrules_the_image(project: TemporaryProject) -> None:
    """The setting `python` is chosen for, also where FROM says another one."""
    project.write("invoke.yaml", 'pipflow:\n  python: "3.10"\n')
    done = project.invoke("deps.add", "lib")
    assert done.status == 0
    assert project.requirements == "lib==1.10\n"
    assert "the image has 3.10 (the setting python)" in done.stdout


@pytest.mark.parametrize(
    ("command", "version", "word"),
    [
        ("python3.13 -m pip install", "1.13", "python3.13"),
        ("/usr/bin/python3.13 -m pip install", "1.13", "python3.13"),
        ("pip3.13 install", "1.13", "pip3.13"),
        ("pip --python=/usr/bin/python3.8 install", "1.8", "--python /usr/bin/python3.8"),
        ("uv pip install --python 3.12", "1.12", "--python 3.12"),
        ("uv pip install -p cpython-3.12.1-linux", "1.12", "--python cpython-3.12.1-linux"),
        ("UV_PYTHON=3.13 uv pip install", "1.13", "UV_PYTHON=3.13"),
        ("python3 -m pip install", "1.9", ""),
        ("python3.9 -m pip install", "1.9", ""),
        ("PIP_PYTHON=$OTHER pip install", "1.9", ""),
        ("python -m venv /v && uv pip install --python /v/bin/python", "1.9", ""),
    ],
)  # fmt: skip
def test_python_of_the_install_command(
    project: TemporaryProject, command: str, version: str, word: str
) -> None:
    """A Python that the command names counts where the base image tells another; a note says so."""
    text = dockerfile("3.9").replace("pip install", command)
    project.write("Dockerfile", text)
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (0, f"lib=={version}\n"), done.stderr
    assert (f"({word}), which counts as" in done.stdout) is bool(word)
    if version not in {"1.12", "1.13"}:  # a patch release, and the newest, which nothing holds
        place = "Dockerfile:3" if word else "Dockerfile:1"
        assert f"the image has {version.replace('1', '3', 1)} ({place})" in done.stdout
    assert ("note      Dockerfile:3 names Python " in done.stdout) is bool(word)
    done = project.invoke("deps.remove", "lib")
    done = project.invoke("deps.add", "lib", environment={"INVOKE_PIPFLOW_PYTHON": "3.10"})
    assert (done.status, project.requirements) == (0, "lib==1.10\n")


def test_python_that_wheels_are_for(project: TemporaryProject) -> None:
    """Wheels are for the Python of pip's `--python-version`, which is not the one that runs pip."""
    command = "pip install --python-version 38 --only-binary :all: -t lib"
    project.write("Dockerfile", dockerfile("3.9").replace("pip install", command))
    done = project.invoke("deps.add", "lib")
    assert (done.status, project.requirements) == (0, "lib==1.8\n"), done.stderr
    assert "the image has 3.8 (Dockerfile:3)" in done.stdout


@pytest.mark.parametrize("base", ["ubuntu:24.04", "python:latest", "${BASE}"])
def test_python_of_the_install_command_alone(project: TemporaryProject, base: str) -> None:
    """A Python that the command names fills in what the base image does not tell."""
    text = dockerfile("3.9").replace("python:3.9-slim", base)
    project.write("Dockerfile", text.replace("pip install", "python3.12 -m pip install"))
    assert project.invoke("deps.add", "lib").status == 0
    assert project.requirements == "lib==1.12\n"


@pytest.mark.parametrize(
    ("setting", "value"), [("python", "3.99.x"), ("python", "2.7"), ("platform", "linux/mips")]
)
def test_setting_that_makes_no_sense(project: TemporaryProject, setting: str, value: str) -> None:
    """A setting that can't be is an error of the setting, not of the Dockerfile."""
    environment = {f"INVOKE_PIPFLOW_{setting.upper()}": value}
    for _ in range(2):
        done = project.invoke("deps.add", "lib", environment=environment)
        assert (done.status, project.exists()) == (1, False)
        assert f"(the setting {setting})" in done.stderr.splitlines()[0]
        assert "Dockerfile" not in done.stderr
        project.write("Dockerfile", "FROM scratch\n")


def test_no_dockerfile_means_the_host_with_a_note(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Without a Dockerfile the host's Python is chosen for, a note says so, nothing is built."""
    docker = project.stand_in("docker", ENGINE)
    project.remove("Dockerfile")
    index.add("own", "1.0", requires_python=f"=={platform.python_version()}")
    index.add("own", "2.0", requires_python=f"!={platform.python_version()}")
    done = project.invoke("deps.add", "own")
    assert (done.status, project.requirements, docker.built) == (0, "own==1.0\n", [])
    assert "there is no Dockerfile: versions are chosen for this host's Python" in done.output


def test_platform_of_the_name_is_not_assumed(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Where the base image's name says the platform, no note says that it is assumed."""
    base = "balenalib/raspberry-pi-debian-python:3.9-bullseye"
    project.write("Dockerfile", dockerfile("3.9").replace("python:3.9-slim", base))
    index.add("fast", "1.0", tags=["cp39-cp39-manylinux_2_17_x86_64"], sdist=True)
    done = project.invoke("deps.add", "fast", "--dry-run")
    assert done.status == 0
    assert "raspberry-pi-debian-python:3.9-bullseye is for linux/arm/v6 by its name" in done.output
    assert "the platform is assumed" not in done.output


def test_implied_platform_is_said(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Where nothing says the platform, the host's is taken, and a note says so if that matters.

    That is where something that was looked up has wheels for some machines, or names the machine.
    """
    said = "the platform is assumed to be this machine's"
    machine = platform.machine()
    index.add("fast", "1.0", tags=[f"cp39-cp39-manylinux_2_17_{machine}"])
    index.add("slow", "1.0", tags=["cp39-cp39-manylinux_2_17_s390x"], sdist=True)
    index.add("part", "1.0", requires_dist=["lib; platform_machine == 'x86_64'"])
    index.add("over", "1.0", requires_dist=["fast"])
    index.add("late", "1.0")
    index.add("late", "2.0", tags=["cp39-cp39-manylinux_2_17_s390x"])
    for name in ("fast", "slow", "part", "over", "late"):
        assert said in project.invoke("deps.add", name, "--dry-run").output, name
    assert said in project.invoke("deps.add", "lib", "--dry-run", "--no-resolve").output
    assert said not in project.invoke("deps.add", "lib", "--dry-run").output
    project.requirements = "lib==1.0\n"
    assert said not in project.invoke("deps.check").output
    project.requirements = "lib==1.0 ; platform_machine != 's390x'\n"
    assert said in project.invoke("deps.outdated").output
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64\n")
    assert said not in project.invoke("deps.outdated").output


@pytest.mark.parametrize(
    ("base", "tag"),
    [
        ("python:3.11-slim-bullseye", "manylinux_2_28"),
        ("python:3.11-slim-bookworm", "manylinux_2_36"),
        ("python:3.11-alpine3.20", "musllinux_1_2"),
    ],
)
def test_libc_of_the_image_decides(
    project: TemporaryProject, index: LoopbackIndex, base: str, tag: str
) -> None:
    """A wheel is taken only where the image's C library is the right one and new enough."""
    tags = ("manylinux_2_28", "manylinux_2_36", "musllinux_1_2", "manylinux_2_99")
    for number, platform_tag in enumerate(tags):
        index.add("fast", f"1.{number}", tags=[f"cp311-cp311-{platform_tag}_x86_64"])
    project.write("Dockerfile", dockerfile("3.9").replace("python:3.9-slim", base))
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64\n")
    assert project.invoke("deps.add", "fast").status == 0
    assert project.requirements == f"fast==1.{tags.index(tag)}\n"


def test_other_machine_needs_other_wheels(project: TemporaryProject, index: LoopbackIndex) -> None:
    """A version whose wheels are for another machine is passed over."""
    index.add("fast", "1.0", tags=["cp39-cp39-manylinux_2_17_aarch64"])
    index.add("fast", "1.1", tags=["cp39-cp39-manylinux_2_17_x86_64"])
    project.write("Dockerfile", dockerfile("3.9").replace("FROM", "FROM --platform=linux/arm64"))
    project.invoke("deps.add", "fast")
    assert project.requirements == "fast==1.0\n"


def test_several_platforms_need_a_file_each(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """For an image of two platforms, a version that has a wheel for each suits."""
    machines = ("x86_64", "aarch64")
    index.add("fast", "1.0", tags=[f"cp39-cp39-manylinux_2_17_{m}" for m in machines])
    index.add("fast", "1.1", tags=["cp39-cp39-manylinux_2_17_x86_64"])
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64,linux/arm64\n")
    done = project.invoke("deps.add", "fast")
    assert (done.status, project.requirements) == (0, "fast==1.0\n")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "FROM"),
        ("RUN true\n", "FROM"),
        (dockerfile("${NONE}"), "NONE"),
        ("FROM\n", ""),
    ],
)
def test_dockerfile_that_makes_no_sense(project: TemporaryProject, text: str, hint: str) -> None:
    """A Dockerfile that can't be understood: status 1, with its name, no traceback."""
    project.write("Dockerfile", text)
    done = project.invoke("deps.add", "lib")
    assert (done.status, done.stdout, project.exists()) == (1, "", False)
    assert done.stderr.startswith("error: Dockerfile:")
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


COMPOSE = """\
services:
  app:
    build: ./app
  worker:
    build:
      context: .
      dockerfile: worker/Dockerfile
  db:
    image: postgres:16
"""


@pytest.fixture
def compose(project: TemporaryProject) -> TemporaryProject:
    """Two services with two Pythons that install two requirements files."""
    project.write("compose.yaml", COMPOSE)
    project.write("app/Dockerfile", dockerfile("3.12"))
    project.write("worker/Dockerfile", dockerfile("3.10"))
    return project


@pytest.mark.parametrize(
    ("service", "file", "version"),
    [("app", "app/requirements.txt", "1.12"), ("worker", "requirements.txt", "1.10")],
)
def test_service_of_the_setting_decides(
    compose: TemporaryProject, service: str, file: str, version: str
) -> None:
    """With the setting `service` that service's Dockerfile is read, and it alone is built."""
    docker = compose.stand_in("docker", {"compose": 1, "version": 0})
    classic = compose.stand_in("docker-compose", {"ps": 0, "build": 0})
    compose.write("invoke.yaml", f"pipflow:\n  service: {service}\n  file: {file}\n")
    done = compose.invoke("deps.add", "lib", "--format", "json")
    assert done.status == 0
    assert compose.read(file) == f"lib=={version}\n"
    assert (classic.built, docker.built) == ([f"build {service}"], [])
    assert done.report["image"]["services"] == [service]


def test_service_that_installs_the_file_is_found(compose: TemporaryProject) -> None:
    """Without the setting, the services that install the requirements file decide."""
    done = compose.invoke("deps.add", "lib", "--format", "json")
    assert done.status == 0
    assert compose.requirements == "lib==1.10\n"
    assert done.report["image"]["services"] == ["worker"]


@pytest.mark.parametrize("service", ["db", "nonsuch"])
def test_service_that_is_not_built_is_refused(compose: TemporaryProject, service: str) -> None:
    """A service without a build, or none at all: status 1, nothing written."""
    done = compose.invoke("deps.add", "lib", environment={"INVOKE_PIPFLOW_SERVICE": service})
    assert (done.status, done.stdout, compose.exists()) == (1, "", False)
    assert service in done.stderr
    assert "Traceback" not in done.stderr


def test_services_of_two_images(compose: TemporaryProject) -> None:
    """Two services that install the same file in different images: what is added suits both."""
    compose.write("Dockerfile", dockerfile("3.9"))
    compose.write("compose.yaml", COMPOSE.replace("./app", "."))
    done = compose.invoke("deps.add", "lib")
    assert (done.status, compose.requirements) == (0, "lib==1.9\n")
    assert "app: python 3.9" in done.stdout
    assert "worker: python 3.10" in done.stdout


def test_platform_of_a_service(compose: TemporaryProject, index: LoopbackIndex) -> None:
    """The service's platform is what versions are chosen for."""
    index.add("fast", "1.0", tags=["py3-none-manylinux_2_17_aarch64"])
    index.add("fast", "1.1", tags=["py3-none-manylinux_2_17_x86_64"])
    text = COMPOSE.replace("  worker:\n", "  worker:\n    platform: linux/arm64\n")
    compose.write("compose.yaml", text)
    report = compose.invoke("deps.add", "fast", "--format", "json").report
    assert report["environments"][0]["platforms"] == ["linux/arm64"]
    assert compose.requirements == "fast==1.0\n"


@pytest.mark.parametrize("text", ["services: [", "services:\n  app: 3\n", "- a\n"])
def test_compose_file_that_makes_no_sense(project: TemporaryProject, text: str) -> None:
    """A compose file that can't be understood: status 1, with its name, no traceback."""
    project.write("compose.yaml", text)
    done = project.invoke("deps.add", "lib")
    assert (done.status, done.stdout, project.exists()) == (1, "", False)
    assert done.stderr.startswith("error: compose.yaml:")
    assert "Traceback" not in done.stderr


def test_wheel_that_the_pip_is_too_old_for_is_told(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A version that only a newer pip would take is named, also where a still newer one is not."""
    project.write(
        "Dockerfile", dockerfile("3.8").replace("RUN", "RUN pip install pip==20.2.4\nRUN")
    )
    index.add("fast", "1.0", tags=["cp38-cp38-manylinux2014_x86_64"])
    index.add("fast", "1.1", tags=["cp38-cp38-manylinux_2_27_x86_64"])
    index.add("fast", "1.2", requires_python=">=3.11")
    project.write("invoke.yaml", "pipflow:\n  platform: linux/amd64\n")
    done = project.invoke("deps.add", "fast")
    assert (done.status, project.requirements) == (0, "fast==1.0\n")
    reason = "has a wheel (manylinux_2_27_x86_64) that pip 20.2.4 of the image is too old for"
    assert f"fast 1.1 {reason}; upgrade pip" in done.stderr
    done = project.invoke("deps.upgrade", "fast==1.1")
    assert (done.status, reason in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("base", "assumed"),
    [
        ("registry.example/tools:python3.11", "glibc 2.31"),
        ("python:3.11-slim-bookworm", ""),
        ("python:3.11", ""),
    ],
)
def test_newer_wheels_where_the_libc_is_unknown(
    project: TemporaryProject, index: LoopbackIndex, base: str, assumed: str
) -> None:
    """One warning names the wheels that are newer than manylinux2014, written or not."""
    index.add("fast", "1.0", tags=["cp311-cp311-manylinux_2_28_x86_64"])
    index.add("swift", "2.0", tags=["cp311-abi3-manylinux_2_24_x86_64"])
    index.add("safe", "1.0", tags=["cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"])
    index.add("both", "1.0", tags=["cp311-cp311-manylinux2014_x86_64.manylinux_2_28_x86_64"])
    index.add("top", "1.0", requires_dist=["fast"])
    project.write("Dockerfile", dockerfile("3.11").replace("python:3.11-slim", base))
    project.write("requirements.txt", "swift==2.0\nsafe==1.0\nboth==1.0\n")
    for command in (["deps.add", "top", "--dry-run"], ["deps.check"]):
        done = project.invoke(
            *command, "--format", "json", environment={"INVOKE_PIPFLOW_PLATFORM": "linux/amd64"}
        )
        said = [each for each in done.report["warnings"] if "C library of the image" in each]
        expected = [
            f"the C library of the image (Dockerfile:1) is unknown, and {assumed} is assumed; with "
            "an older one, pip does not take the wheels of "
        ]
        assert [each.partition("of swift")[0] + "of " for each in said] == expected * bool(assumed)
        for each in said:
            named = "swift 2.0 (manylinux_2_24_x86_64)"
            if command[0] == "deps.add":
                named = f"{named}, fast 1.0 (manylinux_2_28_x86_64)"
            assert named in each
            assert "safe" not in each
            assert "both" not in each
