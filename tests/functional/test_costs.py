"""What a change costs: new packages with all that they need, and how large these are."""

from __future__ import annotations

from typing import Any

import pytest
from functional.temporary_project import TemporaryProject, dockerfile
from loopback_index import LoopbackIndex

MB = 1_000_000


def fill(index: LoopbackIndex) -> None:
    """Add a project that needs a large one and a small one, which is listed."""
    index.add("sentences", "5.1", requires_dist=["torch", "small", "gpu; extra == 'gpu'"])
    index.add("torch", "2.9", requires_dist=["tiny"], padding_bytes=60 * MB)
    index.add("torch", "2.9", tags=["cp39-cp39-win_amd64"], padding_bytes=70 * MB)
    for name in ("small", "tiny", "gpu", "alone"):
        index.add(name, "1.0")


def costs(project: TemporaryProject, *words: str) -> list[dict[str, Any]]:
    done = project.pipflow(*words, "--dry-run", "--format", "json")
    assert done.status == 0, done.output
    found = done.report["costs"]
    assert isinstance(found, list)
    return found


def test_new_packages_with_their_dependencies(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """A new package counts with all that nothing has needed yet; the wheel for the image counts."""
    fill(index)
    project.requirements = "small==1.0\n"
    (cost,) = costs(project, "add", "sentences")
    assert (cost["environment"], cost["packages"], cost["unknown"]) == ("Dockerfile", 3, [])
    assert [each["project"] for each in cost["largest"]] == ["torch", "sentences", "tiny"]
    assert cost["largest"][0]["version"] == "2.9"
    assert 60 * MB < cost["largest"][0]["size_bytes"] < cost["size_bytes"] < 60.1 * MB
    assert cost["growth_bytes"] is None
    (cost,) = costs(project, "add", "sentences[gpu]")
    assert cost["packages"] == 4
    assert costs(project, "add", "small") == []


def test_an_extra_brings_its_packages(project: TemporaryProject, index: LoopbackIndex) -> None:
    """An extra that a line gets costs what it needs besides."""
    fill(index)
    project.requirements = "sentences==5.1\n"
    (cost,) = costs(project, "add", "sentences[gpu]")
    assert [each["project"] for each in cost["largest"]] == ["gpu"]


def test_people_are_told_of_what_is_large(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Text and Markdown say it where it matters, and that the size is compressed."""
    fill(index)
    told = (
        "3 new packages, dependencies included: 60 MB to download, compressed "
        "(largest: torch 2.9, 60 MB)"
    )
    project.requirements = "small==1.0\n"
    shown = project.pipflow("add", "sentences", "--dry-run").stdout
    assert f"\nsize      {told}\n" in shown
    shown = project.pipflow("add", "sentences", "--dry-run", "--format", "markdown").stdout
    assert f"\n- {told}\n" in shown
    assert "size" not in project.pipflow("add", "alone", "--dry-run").stdout
    shown = project.pipflow("add", "tiny", "torch", "--dry-run").stdout
    assert "2 new packages" in shown


def test_what_the_index_does_not_say(project: TemporaryProject, index: LoopbackIndex) -> None:
    """Sizes and dependencies that are unknown are named: it may be more."""
    index.add("built", "1.0", wheel=False, sdist="dynamic")
    (cost,) = costs(project, "add", "built")
    assert cost["unknown"] == ["built"]
    assert cost["size_bytes"] > 0
    index.face = "html"
    fill(index)
    (cost,) = costs(project, "add", "sentences")
    assert (cost["packages"], cost["size_bytes"]) == (4, 0)
    assert sorted(cost["unknown"]) == ["sentences", "small", "tiny", "torch"]
    for number in range(20):
        index.add(f"part-{number}", "1.0")
    index.add("many", "1.0", requires_dist=[f"part-{number}" for number in range(20)])
    shown = project.pipflow("add", "many", "--dry-run").stdout
    assert "at least 0 B to download, compressed (unknown: many, part-0, part-1, others)" in shown


def test_each_environment_has_its_own(project: TemporaryProject, index: LoopbackIndex) -> None:
    """What one environment has by another file is not new there."""
    fill(index)
    project.requirements = "alone==1.0\n"
    project.write("web.txt", "-r requirements.txt\n")
    project.write("jobs.txt", "-r requirements.txt\ntorch==2.9\n")
    for name, python in (("web", "3.9"), ("jobs", "3.11")):
        project.write(f"{name}.Dockerfile", dockerfile(python, f"{name}.txt", "requirements.txt"))
    project.write("invoke.yaml", "pipflow: {dockerfile: 'web.Dockerfile,jobs.Dockerfile'}\n")
    words = ("add", "sentences", "--file", "requirements.txt")
    found = costs(project, *words)
    assert [(each["environment"], each["packages"]) for each in found] == [
        ("web.Dockerfile", 4),
        ("jobs.Dockerfile", 2),
    ]
    shown = project.pipflow(*words, "--dry-run").stdout
    assert shown.count("\nsize ") == 1
    assert "(largest: torch 2.9, 60 MB) (web.Dockerfile)\n" in shown
    project.write("jobs.txt", "-r requirements.txt\n")
    shown = project.pipflow(*words, "--dry-run").stdout
    assert shown.count("\nsize ") == 1
    assert "(largest: torch 2.9, 60 MB)\n" in shown


def test_unresolved_dependencies_cost_nothing_known(
    project: TemporaryProject, index: LoopbackIndex
) -> None:
    """Without a resolution nothing is said; the size of each line is in the changes."""
    fill(index)
    assert costs(project, "add", "sentences", "--no-resolve") == []


@pytest.mark.parametrize("command", ["upgrade", "outdated"])
def test_new_lines_of_a_lock(project: TemporaryProject, index: LoopbackIndex, command: str) -> None:
    """Where the file is locked, an upgrade costs the lines that are new."""
    fill(index)
    index.add("sentences", "5.0")
    project.requirements = "alone==1.0  # via sentences\nsentences==5.0\n"
    index.add("sentences", "5.0", requires_dist=["alone"])
    done = project.pipflow(
        command,
        *(["sentences", "--dry-run"] if command == "upgrade" else []),
        "--format",
        "json",
    )
    (cost,) = done.report["costs"]
    assert [each["project"] for each in cost["largest"]] == ["torch", "small", "tiny"]
    assert cost["size_bytes"] > 60 * MB


def test_nothing_is_asked_for_besides(project: TemporaryProject, index: LoopbackIndex) -> None:
    """All of it is known from what was looked up for the versions."""
    fill(index)
    project.requirements = "alone==1.0\n"
    assert project.pipflow("add", "sentences").status == 0
    paths = [request.path.removesuffix(".metadata") for request in index.requests]
    wheels = [f"/files/{each}-py3-none-any.whl" for each in ("alone-1.0", "sentences-5.1")]
    wheels += [f"/files/{each}-py3-none-any.whl" for each in ("torch-2.9", "small-1.0", "tiny-1.0")]
    pages = [f"/simple/{each}/" for each in ("alone", "sentences", "torch", "small", "tiny")]
    assert sorted(paths) == sorted([*pages, *wheels])
