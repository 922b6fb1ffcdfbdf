"""The image of the tool: it is built as its file says, and works on a project of the host."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from engine.images import require_image
from functional.real_index import is_reachable
from functional.temporary_project import TemporaryProject
from loopback_index import LoopbackIndex

ROOT = Path(__file__).parents[2]
SOCKET = "/var/run/docker.sock"


def docker(*words: str, standard_input: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run docker."""
    return subprocess.run(
        ["docker", *words], input=standard_input, check=False, capture_output=True, timeout=500
    )


def image_of_client() -> bytes:
    """Return the root of an image with a docker client where the official one has it."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        program = shutil.which("docker")
        assert program is not None
        archive.add(os.path.realpath(program), "usr/local/bin/docker")
        plugins = tarfile.TarInfo("usr/local/libexec/docker/cli-plugins")
        plugins.type = tarfile.DIRTYPE
        plugins.mode = 0o755
        archive.addfile(plugins)
    return written.getvalue()


@pytest.mark.online
def test_image_of_the_tool(
    project: TemporaryProject, index: LoopbackIndex, image_name: str
) -> None:
    """It plans and edits without an engine, and builds with the socket of the host's."""
    if not is_reachable():
        pytest.skip("the default index can't be reached")
    require_image("python:3.12-slim")
    client, tool = f"{image_name}-new", f"{image_name}-strict"
    made = docker("import", "-", client, standard_input=image_of_client())
    assert made.returncode == 0, made.stderr
    source = subprocess.run(
        ["git", "-C", str(ROOT), "archive", "HEAD"], check=True, capture_output=True
    ).stdout
    built = docker(
        *("build", "--network", "host", "--tag", tool, "--build-arg", f"DOCKER_CLI={client}"),
        *("--file", "examples/tool-image/Dockerfile", "-"),
        standard_input=source,
    )
    assert built.returncode == 0, built.stdout.decode() + built.stderr.decode()
    project.remove("compose.yaml")  # the client that stands in has no compose
    build = "docker build --network host --tag {image} {context}"
    project.write("invoke.yaml", f"pipflow:\n  image: {image_name}\n  build_command: {build}\n")
    project.requirements = "tidy-lib==1.0\n"
    here = str(project.folder)
    words = ["run", "--rm", "--network", "host", "--volume", f"{here}:{here}", "--workdir", here]
    words += ["--env", f"PIP_INDEX_URL={index.url}"]
    done = docker(*words, tool, "--isolated", "upgrade-all")
    assert (done.returncode, project.requirements) == (0, "tidy-lib==2.0\n"), done.stderr
    project.requirements = "tidy-lib==1.0\n"
    done = docker(*words, "--volume", f"{SOCKET}:{SOCKET}", tool, "upgrade-all")
    assert (done.returncode, project.requirements) == (0, "tidy-lib==2.0\n"), done.stderr
    assert docker("image", "inspect", image_name).returncode == 0
