"""Base images that somebody built under a name of their own: asked, they tell what they are."""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from engine.images import RunInImage, require_image, run
from functional.temporary_project import Finished, TemporaryProject, dockerfile
from loopback_index import LoopbackIndex

from pipflow_tasks import Project, Target

ALONE = "RUN mkdir /only && ln -s /bin/sh /only/ && ln -s $(command -v python3) /only/\n"


@pytest.fixture
def index() -> Iterator[LoopbackIndex]:
    """Serve an index whose versions each need a newer Python."""
    with LoopbackIndex() as index:
        for minor in range(8, 15):
            index.add("lib", f"1.{minor}", requires_python=f">=3.{minor}")
        yield index


@pytest.fixture
def project(tmp_path: Path, index: LoopbackIndex) -> Iterator[TemporaryProject]:
    """Make a project that reaches this host's Docker."""
    project = TemporaryProject(tmp_path, index_url=index.url)
    docker = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}
    project.environment |= {
        "DOCKER_CONFIG": str(Path.home() / ".docker"),
        **docker,
        "PATH": os.environ["PATH"],
    }
    yield project
    project.close()


@pytest.fixture
def base(image_name: str, project: TemporaryProject) -> Callable[..., str]:
    """Return the function that makes `acme-…:1` of an image and further instructions."""

    def make(text: str) -> str:
        """Build a Dockerfile, and the project on the image that it makes."""
        name = f"{image_name}:1"
        for official in re.findall(r"^FROM (python:\S+)", text, re.MULTILINE):
            require_image(official)
        # no cache: the engine may be about to remove a layer that another test has made alike
        words = ["--quiet", "--no-cache", "--network", "none", "--tag", name, "-"]
        run("docker", "build", *words, text=text)
        project.write("Dockerfile", dockerfile("3.9").replace("python:3.9-slim", name))
        return name

    return make


@pytest.fixture
def image_name(image_name: str) -> Iterator[str]:
    """Name a base image, which is removed under its own tag, too."""
    yield image_name
    subprocess.run(
        ["docker", "image", "rm", "--force", f"{image_name}:1"], check=False, capture_output=True
    )


def add(project: TemporaryProject, *words: str) -> Finished:
    """Plan to add `lib`."""
    return project.invoke("deps.add", "lib", "--dry-run", *words)


def asked(project: TemporaryProject) -> Target:
    """Return the target that the library finds."""
    return Project.open(project.folder, environment=project.environment).target


@pytest.mark.parametrize("python", ["3.8", "3.10", "3.11", "3.13"])
def test_image_of_an_unknown_name_tells_its_python(
    project: TemporaryProject, base: Callable[..., str], python: str
) -> None:
    """The version is the one for the Python in the image, and its tags those computed from text."""
    base(f"FROM python:{python}-slim\nENTRYPOINT ['false']\nUSER nobody\nWORKDIR /srv/app\n")
    done = add(project)
    assert (done.status, done.stderr) == (0, "")
    first, second, *_ = done.stdout.splitlines()
    assert first.startswith(f"for       python {python}.")
    assert first.endswith(" · Dockerfile:1, asked of the image")
    assert second.startswith(f"to add    lib {python.replace('3.', '1.')} ")
    target = asked(project)
    (platform,) = target.platforms
    computed = Target.from_python(
        target.python,
        platforms=[platform.name],
        source="Dockerfile:1",
        libc="glibc 2.36",
        pip=target.pip,
    )
    assert (target.platforms, target.libc) == (computed.platforms, computed.libc)


def test_venv_of_the_image(project: TemporaryProject, base: Callable[..., str]) -> None:
    """A path that no instruction makes is looked for in the image, with the pip that is there."""
    base(
        "FROM python:3.8-slim\nRUN pip uninstall --yes --root-user-action=ignore pip"
        " && python -m venv /opt/app\n"
    )
    text = project.read("Dockerfile")
    project.write("Dockerfile", text.replace("RUN pip", "RUN /opt/app/bin/pip"))
    done = add(project)
    assert (done.status, done.stderr) == (0, "")
    assert ", pip " in done.stdout
    assert "asked of the image" in done.stdout
    project.write("Dockerfile", text.replace("RUN pip", "RUN /opt/other/bin/pip"))
    done = add(project)
    assert done.status == 1
    assert "it is unknown which Python `/opt/other/bin/pip` is" in done.stderr


def test_pip_of_the_image_counts(
    project: TemporaryProject, base: Callable[..., str], index: LoopbackIndex
) -> None:
    """Another pip than that of the official image is found, by its version and by its tags."""
    wheels = "/usr/local/lib/python3.8/ensurepip/_bundled"
    base(
        "FROM python:3.8-slim\n"
        f"RUN pip install --no-index --root-user-action=ignore {wheels}/pip-22.0.4-*.whl\n"
    )
    assert add(project, "--format", "json").report["environments"][0]["pip"] == "22.0.4"


def test_what_installers_are_told_comes_along(
    project: TemporaryProject, base: Callable[..., str]
) -> None:
    """Variables, pip's files and constraints of the image are had as plain data."""
    base(
        "FROM python:3.11-slim\n"
        "ENV PIP_INDEX_URL=https://user:secret@host.example/simple UV_INDEX=https://uv.example\n"
        "ENV PIP_CONSTRAINT=/etc/constraints.txt OTHER=1\n"
        "RUN echo 'lib<1.10' >/etc/constraints.txt\n"
        "RUN printf '[global]\\nonly-binary = lxml\\nindex-url = https://file.example\\n"
        "[install]\\nextra-index-url = https://more.example\\n' >/etc/pip.conf\n"
    )
    interpreter = asked(project).interpreter
    assert interpreter is not None
    configuration = dict(interpreter.pip_configuration)
    del configuration["cert"], configuration["break-system-packages"]  # of the image below
    assert configuration == {
        "constraint": "/etc/constraints.txt",
        "extra-index-url": "https://more.example",
        "index-url": "https://user:secret@host.example/simple",
        "only-binary": "lxml",
    }
    assert interpreter.constraints == {"/etc/constraints.txt": "lib<1.10\n"}
    assert interpreter.environment["UV_INDEX"] == "https://uv.example"
    assert "OTHER" not in interpreter.environment
    assert "secret" not in add(project).output


@pytest.mark.parametrize(
    "text",
    [
        # a virtual environment in front
        "FROM python:3.8-slim\nRUN python -m venv /venv\nENV PATH=/venv/bin:$PATH\n",
        # pip belongs to another Python than `python` is
        "FROM python:3.8-slim\n"
        "RUN sed -i '1s|.*|#!/usr/local/bin/python3.8|' /usr/local/bin/pip\n"
        "RUN ln -sf /usr/bin/python3 /usr/local/bin/python3\n"
        "RUN ln -sf /usr/bin/python3 /usr/local/bin/python\n",
        # a `python` that does not run, and no pip
        "FROM python:3.8-slim\n"
        "RUN mkdir /o && cp /bin/false /o/python && ln -s /usr/local/bin/python3 /bin/sh /o/\n"
        "ENV PATH=/o\n",
        # no shell, as in distroless images
        f"FROM python:3.8-slim\n{ALONE}RUN rm /only/sh\nENV PATH=/only\n",
    ],
)
def test_python_that_the_dockerfile_would_run(
    project: TemporaryProject, base: Callable[..., str], text: str
) -> None:
    """It is the one of `pip` on the path, else the first that runs of `python` and `python3`."""
    base(text)
    done = add(project)
    assert done.status == 0, done.stderr
    assert done.stdout.startswith("for       python 3.8.")
    assert "to add    lib 1.8 " in done.stdout


@pytest.mark.parametrize(
    "text",
    [
        f"FROM python:3.8-slim\n{ALONE}RUN rm /only/python3\nENV PATH=/only\n",
        "FROM scratch\nCMD nothing\n",
    ],
)
def test_image_without_python(
    project: TemporaryProject, base: Callable[..., str], text: str
) -> None:
    """With a shell or without: status 1, the line, the setting to make."""
    name = base(text)
    done = add(project)
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr.startswith(
        f"error: Dockerfile:1: the base image {name} has no Python\nhint: set `python`"
    )


def test_image_whose_python_prints_at_its_start(
    project: TemporaryProject, base: Callable[..., str]
) -> None:
    """What the image's own Python prints at its start is passed over."""
    base(
        "FROM python:3.8-slim\n"
        "RUN echo 'print(\"welcome\")' >/usr/local/lib/python3.8/site-packages/sitecustomize.py\n"
    )
    assert add(project).stdout.startswith("for       python 3.8.")


def test_floating_name(project: TemporaryProject, image_name: str) -> None:
    """A name that floats is what the engine has under it."""
    name = f"registry.example/{image_name}/python:latest"
    run("docker", "tag", require_image("python:3.10-slim"), name)
    try:
        project.write("Dockerfile", dockerfile("3.9").replace("python:3.9-slim", name))
        assert "to add    lib 1.10 " in add(project).stdout
    finally:
        run("docker", "image", "rm", name)


def test_image_that_is_not_here(project: TemporaryProject, image_name: str) -> None:
    """Nothing is pulled: status 1, the setting to make, and the pull that would help."""
    name = f"registry.example/{image_name}:1"
    project.write("Dockerfile", dockerfile("3.9").replace("python:3.9-slim", name))
    done = add(project)
    assert (done.status, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: Dockerfile:1: it is unknown which Python the base image {name} has\n"
        'hint: set `python`, e.g. `python: "3.11"` under `pipflow` in invoke.yaml; '
        f"or `docker pull {name}` (or build it) first, so that its Python is known\n"
    )


def test_engine_that_can_not_be_reached(
    project: TemporaryProject, base: Callable[..., str]
) -> None:
    """Where no engine answers, the name alone counts, as ever."""
    name = base("FROM python:3.8-slim\n")
    project.environment["DOCKER_HOST"] = "tcp://127.0.0.1:9"
    done = add(project)
    assert (done.status, done.stdout) == (1, "")
    assert f"it is unknown which Python the base image {name} has" in done.stderr
    assert "docker pull" not in done.stderr


def test_no_container_is_left(project: TemporaryProject, base: Callable[..., str]) -> None:
    """The container that was asked is gone."""
    # an image of its own: what another test has left of python:3.8-slim does not count
    name = base(f"FROM python:3.8-slim\nLABEL only={uuid.uuid4().hex}\n")
    assert add(project).status == 0
    assert run("docker", "ps", "--all", "--quiet", "--filter", f"ancestor={name}") == ""


def test_what_is_chosen_for_an_asked_image_installs(
    project: TemporaryProject,
    index: LoopbackIndex,
    base: Callable[..., str],
    image_name: str,
    run_in_image: RunInImage,
) -> None:
    """The wheel that was foreseen is the one that pip in the built image takes."""
    for minor in range(8, 15):
        tag = f"cp3{minor}-cp3{minor}-manylinux2014_x86_64.manylinux_2_17_x86_64"
        index.add("fast", f"1.{minor}", tags=[tag], requires_python=f">=3.{minor}")
    name = base(f"FROM python:3.10-slim\nENV PIP_INDEX_URL={index.url}\n")
    project.write("compose.yaml", f"services:\n  app: {{image: {image_name}, build: "
                  "{context: ., network: host}}\n")  # fmt: skip
    done = project.invoke("deps.add", "fast")
    assert done.status == 0, done.stderr
    assert (project.requirements, name in done.stdout) == ("fast==1.10\n", False)
    tell = "import fast; print(fast.__version__)"
    assert run_in_image(image_name, "python", "-c", tell).stdout == "1.10\n"
