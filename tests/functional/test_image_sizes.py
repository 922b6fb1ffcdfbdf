"""How large the image was and is, where the engine can say; never a failure where it can't."""

from __future__ import annotations

from typing import Any

import pytest
from functional.temporary_project import COMPOSE_V2, ENGINE, TemporaryProject
from loopback_index import LoopbackIndex

INSPECT = "image inspect --format"


@pytest.fixture(autouse=True)
def _fill(project: TemporaryProject, index: LoopbackIndex) -> None:
    index.add("lib", "1.0")
    index.add("lib", "2.0")
    project.requirements = "lib==1.0\n"


def built(project: TemporaryProject) -> dict[str, Any]:
    report = project.invoke("deps.upgrade-all", "--format", "json").report
    assert report["image"]["status"] == "built"
    (build,) = report["image"]["builds"]
    (image,) = build["images"]
    assert isinstance(image, dict)
    return image


def test_before_and_after(project: TemporaryProject) -> None:
    """The engine is asked for the image's size before the build, and behind it."""
    docker = project.stand_in("docker", {**ENGINE, INSPECT: ["152000000", "1780000000"]})
    done = project.invoke("deps.upgrade-all")
    assert "\nimage     1.78 GB, 152 MB before\n" in done.stdout, done.output
    words = [call.arguments[0] for call in docker.calls if call.arguments[0] != "version"]
    assert words == ["image", "build", "image"]
    asked = ("image", "inspect", "--format", "{{.Size}} {{.Id}}", "shop")
    assert docker.calls[-1].arguments == asked
    project.requirements = "lib==1.0\n"
    assert built(project) == {
        "name": "shop",
        "size_before_bytes": 1780000000,
        "size_after_bytes": 1780000000,
    }


def test_as_before(project: TemporaryProject) -> None:
    """A rebuild that changes nothing says so; so does Markdown."""
    project.stand_in("docker", {**ENGINE, INSPECT: "152000000"})
    assert "\nimage     152 MB, as before\n" in project.invoke("deps.rebuild").stdout
    shown = project.invoke("deps.rebuild", "--format", "markdown").stdout
    assert "The image was built: 152 MB, as before" in shown


@pytest.mark.parametrize(
    ("answer", "before", "after"),
    [
        (1, None, None),
        (["no number", "-5"], None, None),
        ([1, "152000000"], None, 152000000),
        (["152000000", 125], 152000000, None),
    ],
)
def test_engine_that_cannot_say(
    project: TemporaryProject, answer: Any, before: int | None, after: int | None
) -> None:
    """What the engine does not tell is null, and not said to people; the command is done."""
    project.stand_in("docker", {**ENGINE, INSPECT: answer})
    build = built(project)
    assert (build["size_before_bytes"], build["size_after_bytes"]) == (before, after)


def test_services_of_compose_are_named(project: TemporaryProject) -> None:
    """One command builds the images of several services, and each is named with its size."""
    project.write(
        "compose.yaml",
        "name: acme\nservices:\n  web: {build: ., image: 'acme/web:1'}\n  jobs: {build: .}\n",
    )
    project.write("invoke.yaml", "pipflow: {service: 'web,jobs'}\n")
    sizes = ["90000000", "1000000", "100000000", "200000000"]
    docker = project.stand_in("docker", {**COMPOSE_V2, INSPECT: sizes})
    done = project.invoke("deps.upgrade-all")
    assert "\nimage     acme/web:1: 100 MB, 90 MB before\n" in done.stdout, done.output
    assert "\nimage     acme-jobs: 200 MB, 1.0 MB before\n" in done.stdout
    asked = [call.arguments[-1] for call in docker.calls if INSPECT in " ".join(call.arguments)]
    assert asked == ["acme/web:1", "acme-jobs"] * 2
    report = project.invoke("deps.rebuild", "--format", "json").report
    size = {"size_before_bytes": 200000000, "size_after_bytes": 200000000}
    assert [build["images"] for build in report["image"]["builds"]] == [
        [{"name": "acme/web:1", **size}, {"name": "acme-jobs", **size}]
    ]


def test_image_has_the_name_that_the_engine_knows(project: TemporaryProject) -> None:
    """The first docker-compose joins project and service by `_`: that is the name it has then."""
    project.write("compose.yaml", "name: acme\nservices:\n  jobs: {build: .}\n")
    project.stand_in("docker", {**COMPOSE_V2, INSPECT: [1, 1, 1, "152000000"]})
    image = built(project)
    assert (image["name"], image["size_after_bytes"]) == ("acme_jobs", 152000000)


def test_podman_is_asked_for_what_it_built(project: TemporaryProject) -> None:
    """The engine that built the image has it."""
    project.write("invoke.yaml", "pipflow: {builder: podman}\n")
    project.stand_in("podman", {"info": 0, "build": 0, INSPECT: "152000000"})
    assert built(project)["size_after_bytes"] == 152000000


def test_nothing_is_asked_without_a_build(project: TemporaryProject) -> None:
    """A dry run, a failed build and `--no-rebuild` know no sizes."""
    docker = project.stand_in("docker", {**ENGINE, "build": 7, INSPECT: "152000000"})
    for words in (("--dry-run",), ("--no-rebuild",), ()):
        project.requirements = "lib==1.0\n"
        done = project.invoke("deps.upgrade-all", *words, "--format", "json")
        assert done.status == (0 if words else 3)
        (build,) = done.report["image"]["builds"]
        assert build["images"] == [
            {"name": "shop", "size_before_bytes": None, "size_after_bytes": None}
        ]
    asked = sum("image" in call.arguments for call in docker.calls)
    assert asked == 2  # before and after the build that fails: it may have moved the image
