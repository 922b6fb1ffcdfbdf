"""Real builds by each engine and builder: what is built, and that files and images agree."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine.images import (
    PIP,
    RunInImage,
    image_id,
    require_program,
    run,
    skip_or_fail,
    version_in,
)
from functional.temporary_project import TemporaryProject
from loopback_index import LoopbackIndex


@pytest.fixture
def chroot(project: TemporaryProject) -> TemporaryProject:
    """Take the compose file away, and let buildah run steps where no runtime works."""
    project.environment["BUILDAH_ISOLATION"] = "chroot"
    project.remove("compose.yaml")
    return project


@pytest.fixture
def podman_image(project: TemporaryProject, image_name: str) -> Iterator[str]:
    """Name an image of podman's store that no other test uses; what was built is removed."""
    require_program("podman")
    there = ["podman", "image", "exists", "localhost/python:3.11-slim"]
    if subprocess.run(there, check=False, capture_output=True).returncode:
        skip_or_fail(f"podman has no {there[-1]} (try: .ci/engine start)")
    label = f"pipflow-test={image_name}"
    base, rest = project.read("Dockerfile").split("\n", 1)
    project.write("Dockerfile", f"{base}\nLABEL {label}\n{rest}")
    yield image_name
    remove_podman_images(label)


def remove_podman_images(label: str) -> None:
    """Remove the images that have a label; podman can't always list what it has just built."""
    words = ["podman", "image", "ls", "--all", "--quiet", "--filter", f"label={label}"]
    for _ in range(20):
        told = subprocess.run(words, check=False, capture_output=True, encoding="utf-8")
        if told.returncode == 0:
            remove = ["podman", "image", "rm", "--force", *told.stdout.split()]
            subprocess.run(remove, check=False, capture_output=True)
            return
        time.sleep(0.5)
    raise AssertionError(told.stderr)


def version_of_podman_image(image: str) -> str:
    """Return the version that an image in podman's store has: no container can be run here."""
    mounted = run("podman", "image", "mount", image)
    try:
        found = Path(mounted.strip()).glob("usr/local/lib/python3*/*-packages/tidy_lib*")
        return ", ".join(sorted(path.name for path in found if path.suffix == ".dist-info"))
    finally:
        run("podman", "image", "unmount", image)


@pytest.mark.parametrize(
    "settings",
    [
        "  builder: podman\n  image: {image}\n",
        "  image: {image}\n"
        "  build_command: buildah build --layers --tag {{image}} --file {{file}} {{context}}\n",
    ],
    ids=["podman", "buildah"],
)
def test_podman_and_buildah(chroot: TemporaryProject, podman_image: str, settings: str) -> None:
    """podman, and buildah by the setting `build_command`, build what was added."""
    chroot.write("invoke.yaml", "pipflow:\n" + settings.format(image=podman_image))
    done = chroot.invoke("deps.add", "tidy-lib==1.0")
    assert done.status == 0, done.stderr
    assert version_of_podman_image(podman_image) == "tidy_lib-1.0.dist-info"
    assert f"next      podman run --rm {podman_image}" in done.stdout
    assert chroot.invoke("deps.upgrade-all").status == 0
    assert version_of_podman_image(podman_image) == "tidy_lib-2.0.dist-info"


def test_failed_buildah_build_is_repeated_on_the_old_file(
    chroot: TemporaryProject, index: LoopbackIndex, podman_image: str
) -> None:
    """A `build_command` may have moved an image before it failed: it runs again on the old file."""
    script = (
        "#!/bin/sh -e\n"
        "# two images of one file: the second wants a version that is not the newest\n"
        'buildah build --layers --tag "$1" --file Dockerfile .\n'
        "grep -q ==1.0 requirements.txt\n"
    )
    chroot.write("build.sh", script).chmod(0o755)
    chroot.write(
        "invoke.yaml",
        f"pipflow:\n  image: {podman_image}\n  build_command: ./build.sh {{image}}\n",
    )
    assert chroot.invoke("deps.add", "tidy-lib==1.0").status == 0
    done = chroot.invoke("deps.upgrade-all", "--format", "json")
    assert (done.status, chroot.requirements) == (3, "tidy-lib==1.0\n")
    assert done.report["image"]["rebuilt"] == [podman_image]
    assert version_of_podman_image(podman_image) == "tidy_lib-1.0.dist-info"


def test_docker_host(project: TemporaryProject, image_name: str, run_in_image: RunInImage) -> None:
    """`DOCKER_HOST` is left to docker: the image is built where it says."""
    project.environment["DOCKER_HOST"] = "unix:///var/run/docker.sock"
    done = project.invoke("deps.add", "tidy-lib")
    assert done.status == 0, done.stderr
    assert version_in(image_name, "tidy_lib", run_in_image) == "2.0"
    project.environment["DOCKER_HOST"] = "unix:///var/run/no-such.sock"
    done = project.invoke("deps.remove", "tidy-lib")
    assert (done.status, project.requirements) == (0, "")
    assert "image     not built: no engine answers `docker" in done.stdout
    assert version_in(image_name, "tidy_lib", run_in_image) == "2.0"


def test_services_of_one_file_agree(
    project: TemporaryProject, index: LoopbackIndex, image_name: str, run_in_image: RunInImage
) -> None:
    """Where the second service fails, the first, which had moved, is built from the old file."""
    two_services(project, index, image_name, "docker")
    assert project.invoke("deps.add", "tidy-lib==1.0").status == 0
    before = image_id(image_name)
    done = project.invoke("deps.upgrade-all", "--format", "json")
    assert (done.status, project.requirements) == (3, "tidy-lib==1.0\n")
    assert done.report["image"]["rebuilt"] == ["app", "strict"]
    assert done.report["image"]["undone"] == ["requirements.txt"]
    assert "Successfully tagged" in done.stderr
    assert image_id(image_name) == before
    assert version_in(image_name, "tidy_lib", run_in_image) == "1.0"


def two_services(project: TemporaryProject, index: LoopbackIndex, image: str, engine: str) -> None:
    """Write two services of one file; the second refuses any version but 1.0."""
    network = "      network: host\n" if engine == "docker" else ""
    project.write(
        "compose.yaml",
        "services:\n"
        f"  app:\n    image: {image}\n    build:\n      context: .\n{network}"
        f"  strict:\n    image: {image}-strict\n    profiles: [tools]\n"
        f"    build:\n      context: .\n      dockerfile: strict.Dockerfile\n{network}",
    )
    # what it says of the index lets the container be found and removed
    refuse = (
        f"RUN : {index.url}; python -c \"import tidy_lib as t; assert t.__version__ == '1.0'\"\n"
    )
    project.write("strict.Dockerfile", project.read("Dockerfile") + refuse)


def test_podman_compose(project: TemporaryProject, index: LoopbackIndex, podman_image: str) -> None:
    """podman-compose builds, and its failure counts although it ends with status 0."""
    require_program("podman-compose")
    project.environment["BUILDAH_ISOLATION"] = "chroot"
    project.write("invoke.yaml", "pipflow:\n  builder: podman-compose\n")
    two_services(project, index, podman_image, "podman")
    done = project.invoke("deps.add", "tidy-lib==1.0")
    assert done.status == 0, done.stderr
    assert version_of_podman_image(podman_image) == "tidy_lib-1.0.dist-info"
    done = project.invoke("deps.upgrade-all")
    assert (done.status, project.requirements) == (3, "tidy-lib==1.0\n")
    assert "image     built again from the files as they were: app, strict" in done.stdout
    assert version_of_podman_image(podman_image) == "tidy_lib-1.0.dist-info"


@pytest.fixture
def compose_name(project: TemporaryProject, image_name: str) -> Iterator[None]:
    """Give the compose project a name of its own, and remove the network that it runs in."""
    project.environment["COMPOSE_PROJECT_NAME"] = image_name
    yield
    network = ["docker", "network", "rm", f"{image_name}_default"]
    subprocess.run(network, check=False, capture_output=True)


@pytest.mark.usefixtures("compose_name")
@pytest.mark.parametrize("form", ["compose", "plain"])
def test_verify(
    project: TemporaryProject, index: LoopbackIndex, image_name: str, form: str
) -> None:
    """A new image that fails `verify` is taken back with its file, and built from the old one."""
    index.add("needy", "1.0")
    index.add("needy", "2.0", requires_dist=["missing-lib>=3"])
    project.write("invoke.yaml", f"pipflow:\n  verify: pip check\n  image: {image_name}\n")
    project.write(
        "Dockerfile",
        f'FROM python:3.11-slim\nENTRYPOINT ["false"]\nCOPY requirements.txt ./\n'
        f"{PIP} --no-deps --index-url {index.url} -r requirements.txt\n",
    )
    if form == "plain":
        project.remove("compose.yaml")
        # a plain build has the engine's own network: the index is the host's
        project.write(
            "build.sh", f"#!/bin/sh\nexec docker build --network host --tag {image_name} .\n"
        ).chmod(0o755)
        project.environment["INVOKE_PIPFLOW_BUILD_COMMAND"] = "./build.sh {image}"
    done = project.invoke("deps.add", "needy==1.0")
    assert done.status == 0, done.stderr
    before = image_id(image_name)
    done = project.invoke("deps.upgrade-all", "--no-resolve")
    assert (done.status, project.requirements) == (3, "needy==1.0\n")
    assert "requires missing-lib, which is not installed" in done.stderr
    assert "fails `verify`" in done.stderr
    assert "image     built again from the files as they were" in done.stdout
    assert image_id(image_name) == before


def test_signal_while_the_second_service_builds(
    project: TemporaryProject, index: LoopbackIndex, image_name: str, run_in_image: RunInImage
) -> None:
    """A signal after the first service has moved: no second build; the next command builds it."""
    two_services(project, index, image_name, "docker")
    # With any version but 1.0 the second service tells the index that it is there, and goes on.
    wait = (
        "import tidy_lib, time, urllib.request as r\n"
        f"while tidy_lib.__version__ != '1.0': r.urlopen('{index.url}'); time.sleep(.1)"
    )
    words = json.dumps(["python", "-c", wait])
    project.write("strict.Dockerfile", project.read("Dockerfile") + f"RUN {words}\n")
    assert project.invoke("deps.add", "tidy-lib==1.0").status == 0
    before = image_id(image_name)
    with project.started("deps.upgrade-all", "--format", "json") as running:
        while not any(request.path == "/simple/" for request in index.requests):
            assert not running.has_ended, running.finish().output
            time.sleep(0.05)
        assert image_id(image_name) != before
        running.send(signal.SIGTERM)
        done = running.finish()
    assert (done.status, project.requirements) == (3, "tidy-lib==1.0\n")
    assert done.report["image"]["rebuilt"] == []
    assert image_id(image_name) != before
    assert project.invoke("deps.rebuild").status == 0
    assert image_id(image_name) == before
    assert version_in(image_name, "tidy_lib", run_in_image) == "1.0"
